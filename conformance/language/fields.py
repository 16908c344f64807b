# SPDX-License-Identifier: Apache-2.0
"""What a field of the case language may hold: how its text is read, what is said where it is wrong, and its schema."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import partial
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from lockproof.conformance.errors import suggest
from lockproof.conformance.language import strips
from lockproof.conformance.language.interpretations import parse, reading_of

__all__ = [
    "ANY",
    "CONFIG",
    "DONE",
    "ERRNOS",
    "SIGNALS",
    "UNCHANGED",
    "Advice",
    "Count",
    "ExpectedLocks",
    "ExpectedResidency",
    "Fault",
    "Flag",
    "Flags",
    "GuardStrip",
    "Id",
    "Integer",
    "LockStrip",
    "MapStrip",
    "MemoryLimit",
    "OptionalSize",
    "Protection",
    "RangeStrip",
    "Reading",
    "Requirements",
    "Results",
    "Sentence",
    "Size",
    "Times",
    "field_names",
    "one_or_more",
    "range_of_strip",
    "written_name",
]

ANY: Final = "any"
UNCHANGED: Final = "unchanged"
DONE: Final = "done"

ERRNOS = frozenset(
    {
        "EACCES",
        "EAGAIN",
        "EBADF",
        "EBUSY",
        "EFAULT",
        "EINTR",
        "EINVAL",
        "EIO",
        "ENODEV",
        "ENOENT",
        "ENOMEM",
        "ENOSPC",
        "ENOSYS",
        "ENOTSUP",
        "EPERM",
    }
)
"""The errnos that the manual pages of the calls know, and what an injected failure may give."""

SIGNALS = frozenset({"SIGBUS", "SIGSEGV"})
"""What an access to memory may end in."""

Advice = Literal[
    "dontneed",
    "dontneed-locked",
    "willneed",
    "free",
    "remove",
    "cold",
    "pageout",
    "populate-read",
    "populate-write",
    "collapse",
    "dontfork",
    "dofork",
    "wipeonfork",
    "keeponfork",
    "guard-install",
    "guard-remove",
]
Protection = Literal["none", "r", "w", "x", "rw", "rx", "wx", "rwx"]
Fault = Literal[
    "each-allocation",
    "each-slab-allocation",
    "each-page-allocation",
    "from-each-allocation",
    "from-each-slab-allocation",
    "from-each-page-allocation",
]


def written_name(name: str) -> str:
    """Return the name that a field has in YAML."""
    return name.rstrip("_").replace("_", "-")


def field_names(type_: type) -> frozenset[str]:
    """Return the names that a type's fields have in YAML."""
    return frozenset(written_name(field.name) for field in fields(type_))


# On each class: a nested one inherits it when values are read, but not in the schema that pydantic before 2.14 writes.
# Without `extra` unknown keys pass silently.
CONFIG = ConfigDict(extra="forbid", alias_generator=written_name)


# Texts and numbers


def _flag(text: object) -> bool:
    if text not in ("true", "false"):  # not a set: it may be a list
        msg = f"{text!r} is neither true nor false; write one of them"
        raise ValueError(msg)
    return text == "true"


def _integer(text: object) -> int:
    if not re.fullmatch(r"[+-]?(0x[0-9a-fA-F]{1,8}|0|[1-9][0-9]{0,8})", str(text)):
        if re.fullmatch(r"[+-]?(0x[0-9a-fA-F]+|[1-9][0-9]+)", str(text)):
            msg = f"{text} is too large; write a number of at most 9 digits, or 8 behind 0x"
        else:
            msg = f"{text!r} is no whole number; write 100, -1 or 0x64"
        raise ValueError(msg)
    return int(str(text), 0)


def _known_requirement(name: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("requirements", {name})
    if name not in known:
        msg = f"{name!r} is no requirement; {suggest(name, known)}"
        raise ValueError(msg)
    return name


def _known_reading(text: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("interpretations")
    return text if known is None else reading_of(*parse(text, known))


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Sentence = Annotated[str, Field(min_length=1)]
Requirements = Annotated[tuple[Annotated[str, AfterValidator(_known_requirement)], ...], Field(min_length=1)]
Reading = Annotated[str, AfterValidator(_known_reading)]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Integer = Annotated[int, BeforeValidator(_integer, json_schema_input_type=int)]
Count = Annotated[Integer, Field(ge=0, le=strips.MAX_PAGES)]
Times = Annotated[Integer, Field(ge=1, le=1_000_000)]


# Sizes

_SIZE = re.compile(r"(?P<sign>-?)(?:(?P<pages>[0-9]{1,15})p)?(?P<bytes>(?(pages)[+-])[0-9]{1,18})?")
_LARGE_SIZE = re.compile(r"-?[0-9]+(?:p(?:[+-][0-9]+)?)?")
_SIZE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^-?[0-9]+p([+-][0-9]+)?$"}]
}


class Size(NamedTuple):
    """A number of bytes, partly in pages of the target.

    A negative one counts down from the top of the address space.
    """

    pages: int
    bytes: int
    negative: bool = False

    @classmethod
    def parse(cls, text: object) -> Size:
        """Read `N` bytes, `Np` pages, `Np+M` or `Np-M`; a leading `-` counts down from the top. Raises ValueError."""
        match = _SIZE.fullmatch(str(text))
        if match is None and _LARGE_SIZE.fullmatch(str(text)):
            msg = f"{text} is too large; write at most 15 digits of pages, and 18 of bytes"
            raise ValueError(msg)
        if match is None or match["pages"] is match["bytes"] is None:
            msg = f"{text!r} is no size; write 4096 (bytes), 4p (pages), 4p-1, or -1 (down from the top of memory)"
            raise ValueError(msg)
        pages, count, negative = int(match["pages"] or 0), int(match["bytes"] or 0), bool(match["sign"])
        if not pages and count < 0:  # 0p-5 is -5
            count, negative = -count, not negative
        return cls(pages, count, negative)

    def in_bytes(self, page_size: int) -> int:
        """Return the size in bytes on a target; negative where it counts from the top."""
        size = self.pages * page_size + self.bytes
        return -size if self.negative else size

    def __str__(self) -> str:
        """Write the size as the protocol and the case language do."""
        sign = "-" if self.negative else ""
        if not self.pages:
            return f"{sign}{self.bytes}"
        return f"{sign}{self.pages}p{self.bytes:+d}" if self.bytes else f"{sign}{self.pages}p"


def _memory_limit(text: object) -> object:
    return text if text == "unlimited" else Size.parse(text)


OptionalSize = Annotated[Size, BeforeValidator(Size.parse), WithJsonSchema(_SIZE_SCHEMA)] | None
MemoryLimit = (
    Annotated[
        Size | Literal["unlimited"],
        BeforeValidator(_memory_limit),
        WithJsonSchema({"anyOf": [*_SIZE_SCHEMA["anyOf"], {"const": "unlimited"}]}),
    ]
    | None
)


# Strips


def _for_editors(characters: str, *words: str) -> WithJsonSchema:
    """Return the JSON Schema of a strip of these characters, or one of the words."""
    pattern = "|".join((*words, rf"([{characters}](\*[0-9]+)?)+"))
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


def _map_strip(text: str) -> str:
    strip = strips.expand(text)
    if wrong := {c for c in strips.characters(strip) if c != "_" and not (c.isascii() and c.isalpha())}:
        msg = f"{min(wrong)!r} names no region; write a letter for a page of a region, _ for a hole"
        raise ValueError(msg)
    return strip


def _arena_strip(allowed: str, words: tuple[str, ...], text: str, info: ValidationInfo) -> str:
    """Read a strip over the whole arena, or one of the words that may stand instead."""
    if text in words:
        return text
    strip = strips.expand(text, allowed)
    pages = (info.context or {}).get("pages")
    if pages is not None and len(strip) != pages:
        own = "1 page" if len(strip) == 1 else f"{len(strip)} pages"
        msg = f"{own}, but the map has {pages}; write one character for each page of the map"
        raise ValueError(msg)
    return strip


def _marked(strip: str) -> str:
    if "^" not in strip:
        msg = "a range over no page; mark its pages with ^ (for an empty range mark one and write length: 0)"
        raise ValueError(msg)
    if "." in strip.strip("."):
        msg = "a range in several pieces; mark neighbouring pages with ^"
        raise ValueError(msg)
    return strip


def range_of_strip(value: object) -> object:
    """Let a strip alone stand for a range of whole pages."""
    return {"pages": value} if isinstance(value, str) else value


MapStrip = Annotated[str, AfterValidator(_map_strip), _for_editors("A-Za-z_")]
GuardStrip = Annotated[str, AfterValidator(partial(strips.expand, allowed="G."))]
LockStrip = Annotated[str, AfterValidator(partial(_arena_strip, "LF._", ())), _for_editors("LF._")]
ExpectedLocks = Annotated[
    str,
    AfterValidator(partial(_arena_strip, "LF._?", (UNCHANGED, DONE, ANY))),
    _for_editors("LF._?", UNCHANGED, DONE, ANY),
]
ExpectedResidency = Annotated[
    str, AfterValidator(partial(_arena_strip, "R._?", (DONE, ANY))), _for_editors("R._?", DONE, ANY)
]
RangeStrip = Annotated[
    str, AfterValidator(partial(_arena_strip, "^.", ())), AfterValidator(_marked), _for_editors(r"\^.")
]


# One or several


def one_or_more(value: object) -> object:
    """Let a value alone stand for a list of it."""
    return value if isinstance(value, list) else [value]


def _results(results: tuple[str, ...]) -> tuple[str, ...]:
    for result in results:
        if result not in {"0", ANY, *ERRNOS, *SIGNALS}:
            msg = f"{result!r} is no result; {suggest(result, {'0', ANY, *ERRNOS, *SIGNALS})}"
            raise ValueError(msg)
    return results


_RESULT = {"enum": [0, ANY, *sorted(ERRNOS), *sorted(SIGNALS)]}
Flags = Annotated[tuple[str, ...], BeforeValidator(one_or_more, json_schema_input_type=str | int | list[str])]
Results = Annotated[
    tuple[str, ...],
    BeforeValidator(one_or_more),
    AfterValidator(_results),
    WithJsonSchema({"anyOf": [_RESULT, {"type": "array", "items": _RESULT}]}),
]
