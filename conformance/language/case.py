# SPDX-License-Identifier: Apache-2.0
"""The case language: what a person writes in cases/*.yaml, and what runs.

A file is a list of `WrittenCase`. Loading turns each into one `Case` for every combination of its `for-each`. The
docstrings below are also the descriptions in the JSON Schema that editors show (`lockproof cases --schema`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from lockproof.conformance.errors import suggest
from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call  # noqa: TC001  pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lockproof.conformance.errors import Location
    from lockproof.conformance.language.requirements import Profile

__all__ = [
    "ANY",
    "UNCHANGED",
    "Case",
    "Kind",
    "Limits",
    "Outcome",
    "Range",
    "Region",
    "Size",
    "Step",
    "WrittenCase",
    "field_names",
    "flatten",
]

ANY: Final = "any"
UNCHANGED: Final = "unchanged"

_SIZE = re.compile(r"(?P<sign>-?)(?:(?P<pages>[0-9]{1,15})p)?(?P<bytes>(?(pages)[+-])[0-9]{1,18})?")
# The errnos that the manual pages of the calls know, and what an injected failure may give.
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
        "ENOSYS",
        "ENOTSUP",
        "EPERM",
    }
)

SIGNALS = frozenset({"SIGBUS", "SIGSEGV"})
"""What an access to memory may end in."""


class Kind(StrEnum):
    """Kinds of memory."""

    ANONYMOUS = "anonymous"
    FILE = "file"
    SHARED = "shared"
    SHM = "shm"
    MEMFD = "memfd"
    HUGETLB = "hugetlb"
    SECRETMEM = "secretmem"
    STACK = "stack"
    SYSV = "sysv"
    HEAP = "heap"


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


def _known_requirement(name: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("requirements", {name})
    if name not in known:
        msg = f"{name!r} is no requirement; {suggest(name, known)}"
        raise ValueError(msg)
    return name


def _map_strip(text: str) -> str:
    strip = strips.expand(text)
    if wrong := next((c for c in strip if c != "_" and not (c.isascii() and c.isalpha())), None):
        msg = f"{wrong!r} names no region; write a letter for a page of a region, _ for a hole"
        raise ValueError(msg)
    return strip


def _integer(text: object) -> int:
    if not re.fullmatch(r"[+-]?(0x[0-9a-fA-F]{1,8}|0|[1-9][0-9]{0,8})", str(text)):
        msg = f"{text!r} is no whole number; write 100, -1 or 0x64"
        raise ValueError(msg)
    return int(str(text), 0)


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _range(value: object) -> object:
    return {"pages": value} if isinstance(value, str) else value


def _results(results: tuple[str, ...]) -> tuple[str, ...]:
    for result in results:
        if result not in {"0", ANY, *ERRNOS, *SIGNALS}:
            msg = f"{result!r} is no result; {suggest(result, {'0', ANY, *ERRNOS, *SIGNALS})}"
            raise ValueError(msg)
    return results


def _flag(text: object) -> bool:
    if text not in {"true", "false"}:
        msg = f"{text!r} is neither true nor false; write one of them"
        raise ValueError(msg)
    return text == "true"


_Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
_Integer = Annotated[int, BeforeValidator(_integer, json_schema_input_type=int)]
_Count = Annotated[_Integer, Field(ge=0, le=strips.MAX_PAGES)]


def _for_editors(characters: str, *words: str) -> WithJsonSchema:
    """Return the JSON Schema of a strip of these characters, or one of the words."""
    pattern = "|".join((*words, rf"([{characters}](\*[0-9]+)?)+"))
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


_SIZE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^-?[0-9]+p([+-][0-9]+)?$"}]
}
_Size = Annotated[Size, BeforeValidator(Size.parse), WithJsonSchema(_SIZE_SCHEMA)]
_LockStrip = Annotated[str, AfterValidator(partial(_arena_strip, "LF._", ())), _for_editors("LF._")]
_ExpectedLocks = Annotated[
    str, AfterValidator(partial(_arena_strip, "LF._?", (UNCHANGED, ANY))), _for_editors("LF._?", UNCHANGED, ANY)
]
_ExpectedResidency = Annotated[str, AfterValidator(partial(_arena_strip, "R._?", (ANY,))), _for_editors("R._?", ANY)]
_RangeStrip = Annotated[
    str, AfterValidator(partial(_arena_strip, "^.", ())), AfterValidator(_marked), _for_editors(r"\^.")
]
_RESULT = {"enum": [0, ANY, *sorted(ERRNOS), *sorted(SIGNALS)]}
_Flags = Annotated[tuple[str, ...], BeforeValidator(_one_or_more, json_schema_input_type=str | int | list[str])]
_Results = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_or_more),
    AfterValidator(_results),
    WithJsonSchema({"anyOf": [_RESULT, {"type": "array", "items": _RESULT}]}),
]


def written_name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def field_names(type_: type) -> frozenset[str]:
    """Return the names of a type's fields as they are written in YAML."""
    return frozenset(written_name(field.name) for field in fields(type_))


# On each class: a nested one inherits it when values are read, but not in the schema that pydantic before 2.14 writes.
# Without `extra` unknown keys pass silently.
_CONFIG = ConfigDict(extra="forbid", use_attribute_docstrings=True, alias_generator=written_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The memory that a letter of the map stands for."""

    __pydantic_config__ = _CONFIG

    kind: Kind = Kind.ANONYMOUS
    """Kind of memory. `shared` is anonymous memory that is shared, `stack` grows downwards, `sysv` is a segment of
    System V shared memory for each run of its letter, `heap` is what brk() gives: the first memory of the map, in one
    piece.
    """
    protection: Literal["none", "r", "w", "x", "rw", "rx", "wx", "rwx"] = "rw"
    """What the mapping permits."""
    share: Literal["private", "shared"] | None = None
    """Whether writes are seen through other mappings of the object. Default: private for anonymous, file, hugetlb and
    stack, shared for the others.
    """
    file_pages: _Count | None = None
    """Length of the file behind the region, in pages; what is mapped beyond it is past the end of the file. Default:
    as far as mapped.
    """
    guard: Annotated[str, AfterValidator(partial(strips.expand, allowed="G."))] | None = None
    """A strip over the pages of this region: `G` a guard page (MADV_GUARD_INSTALL), `.` an ordinary one."""
    alias: str | None = None
    """Letter of an earlier region of kind file, shm or memfd whose object this one maps again, from its first page
    on.
    """
    huge: Literal["always", "never"] | None = None
    """Whether the kernel may use transparent huge pages: `always` asks for them (MADV_HUGEPAGE), `never` forbids them
    (MADV_NOHUGEPAGE). Default: as the system is set.
    """

    @property
    def shared(self) -> bool:
        """Whether the mapping is MAP_SHARED."""
        own = self.share or (
            "shared" if self.kind in {Kind.SHARED, Kind.SHM, Kind.SYSV, Kind.MEMFD, Kind.SECRETMEM} else "private"
        )
        return own == "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The bytes that a call names."""

    __pydantic_config__ = _CONFIG

    pages: Annotated[
        str, AfterValidator(partial(_arena_strip, "^.", ())), AfterValidator(_marked), _for_editors(r"\^.")
    ]
    """A strip: `^` the pages of the range, which are neighbours, `.` the others."""
    start: _Integer = 0
    """Bytes added to the address of the first page; makes the range unaligned."""
    end: _Integer = 0
    """Bytes added to the end of the last page."""
    length: _Size | None = None
    """Length instead of the one that the strip says: bytes, `2p` pages, `-1` for SIZE_MAX."""

    @property
    def first(self) -> int:
        """Number of the first page."""
        return self.pages.index("^")

    @property
    def count(self) -> int:
        """Pages that the strip marks."""
        return self.pages.count("^")

    @property
    def whole_pages(self) -> bool:
        """Whether the strip says all: neither end is moved, and the length is that of its pages."""
        return self == Range(pages=self.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Shortages that are set up before the first call."""

    __pydantic_config__ = _CONFIG

    memlock: (
        Annotated[
            Size | Literal["unlimited"],
            BeforeValidator(lambda text: text if text == "unlimited" else Size.parse(text)),
            WithJsonSchema({"anyOf": [*_SIZE_SCHEMA["anyOf"], {"const": "unlimited"}]}),
        ]
        | None
    ) = None
    """RLIMIT_MEMLOCK, soft and hard: bytes, `4p` pages, or `unlimited`. It binds only the unprivileged."""
    mappings: _Count | None = None
    """How many more mappings the process can have before vm.max_map_count is reached."""
    memory: _Count | None = None
    """About how many more pages can be allocated during the calls. Kernels count in batches (Linux: 64 pages), so give
    the arena some hundreds.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One permitted outcome of a step. What it does not state is not judged."""

    __pydantic_config__ = _CONFIG

    result: _Results = (ANY,)
    """0, an errno, a list of them, or `any`. touch: also the signal that ends the process, SIGSEGV or SIGBUS."""
    locked: _ExpectedLocks = ANY
    """A strip: `L` locked, `F` locked on fault, `.` not locked, `_` not mapped, `?` anything. Or `unchanged`: as
    before the step, everywhere in the address space. Or `any`.
    """
    resident: _ExpectedResidency = ANY
    """A strip: `R` resident, `.` absent, `_` not mapped, `?` anything. Or `any`."""
    elsewhere: Literal["unchanged", "none", "all", "any"] | None = None
    """Locks outside the arena. Default: `unchanged` where `locked` is, else `any`."""
    mappings: Literal["unchanged", "any"] = "any"
    """Whether the boundaries of the mappings must be where they were."""
    accounting: Literal["exact", "any"] = "any"
    """Whether the target's count of locked memory (VmLck) must be the number of locked pages."""
    mlocked: Literal["unchanged", "any"] = "any"
    """settle: whether the whole system's count of locked memory must be what it was when the target was started."""
    vm_areas: Literal["unchanged", "any"] = "any"
    """settle: whether the kernel must have as many mapping objects (vm_area_struct) as when the target was started."""

    @property
    def locks_elsewhere(self) -> str:
        """What must hold for locks outside the arena, the default filled in."""
        return self.elsewhere or (UNCHANGED if self.locked == UNCHANGED else ANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call, and what it may do."""

    __pydantic_config__ = _CONFIG

    call: Call
    """The call; `touch` accesses pages, `thread` makes the steps of its `child` in another thread, `observe` only
    looks, `settle` waits until nothing of earlier processes is left in the system's own counts.
    """
    range: Annotated[Range, BeforeValidator(_range, json_schema_input_type=_RangeStrip | Range)] | None = None
    """The range, as a strip like `.^^^^^^.`, or with byte offsets. brk: the pages that the heap has then. Not for
    mlockall, munlockall, fork, thread, exec, observe and settle.
    """
    to: Annotated[Range, BeforeValidator(_range, json_schema_input_type=_RangeStrip | Range)] | None = None
    """mremap: a strip, the pages that the range becomes: more or fewer of them, or elsewhere."""
    flags: _Flags = ()
    """Flags by name without prefix (CURRENT, FUTURE, ONFAULT, ASYNC, SYNC, INVALIDATE), or one number. For mlock2,
    mlockall and msync; for mmap LOCKED, if any.
    """
    region: str | None = None
    """mmap: letter of the region that is mapped over the range."""
    protection: Literal["none", "r", "w", "x", "rw", "rx", "wx", "rwx"] | None = None
    """mprotect: the new protection."""
    advice: Literal["dontneed", "willneed"] | None = None
    """madvise: the advice."""
    child: tuple[Step, ...] = ()
    """fork, thread: the steps that the child, or the other thread, makes while this one waits."""
    image: Literal["self", "missing"] | None = None
    """exec: the program that takes the place of this one: `self` (the default) again, or one that is `missing`."""
    fault: Literal["each-allocation", "from-each-allocation"] | None = None
    """Makes allocations inside the call fail: `each-allocation` the first, then the second, the third… alone,
    `from-each-allocation` also all that follow it. Each in a fresh process, until the call no longer reaches it.
    """
    expect: Annotated[
        tuple[Outcome, ...], BeforeValidator(_one_or_more, json_schema_input_type=Outcome | list[Outcome])
    ] = ()
    """The permitted outcomes; the step passes if it matches one. A step without any prepares the next and has to
    succeed.
    """


def flatten(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Return steps, and those of their children, in the order of their numbers in a program."""
    for step in steps:
        yield step
        yield from flatten(step.child)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCase:
    """A case as it is written."""

    __pydantic_config__ = _CONFIG

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    """Name of the case in its file: letters, digits, `-` and `_`."""
    about: Annotated[str, Field(min_length=1)]
    """One sentence: what the case shows."""
    checks: Annotated[tuple[Annotated[str, AfterValidator(_known_requirement)], ...], Field(min_length=1)]
    """Ids of the requirements (cases/requirements.yaml) that the case checks; all of one profile."""
    map: Annotated[str, AfterValidator(_map_strip), _for_editors("A-Za-z_")]
    """A strip, the layout of the arena: letters name regions, `_` is a hole. Neighbouring letters are mappings of
    their own.
    """
    regions: dict[str, Region] = field(default_factory=dict)
    """What the letters are where they are not private anonymous memory, readable and writable."""
    locked: _LockStrip | None = None
    """A strip, the locks that there are before the first step: `L` locked, `F` locked on fault, `.` not locked."""
    limits: Limits = Limits()
    """Shortages that are set up before the first step."""
    as_: Literal["privileged", "unprivileged"] | None = None
    """Who makes the calls: `privileged` may lock beyond RLIMIT_MEMLOCK, `unprivileged` may not. Default: whoever runs
    the suite.
    """
    for_each: dict[str, list[Any] | dict[str, Any]] = field(default_factory=dict)
    """A matrix: variables and their values, each combination a case of its own. `$variable` stands for the value;
    where values are written `label: value`, the label is part of the name, and `$variable.field` picks from a value
    with fields.
    """
    closing: _Flag = False
    """`true`: runs after all other cases, at the end of each session of a target, and is judged over all of them."""
    steps: tuple[Step, ...]
    """The calls, one after another. A case of a single step may write the step's fields beside `id` instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case that is ready to run: one combination of an entry, everything checked and filled in."""

    name: str
    """`folder/leaf[key=value,…]`; reports are matched by it."""
    source: Location
    about: str
    checks: tuple[str, ...]
    profile: Profile
    """The profile that all its checks belong to."""
    map: str
    regions: Mapping[str, Region]
    """For every letter of the map, and of an mmap step."""
    locked: str
    limits: Limits
    privilege: Literal["privileged", "unprivileged"] | None
    steps: tuple[Step, ...]
    closing: bool = False
    """Whether it runs at the end of each session, once for all of them."""

    @property
    def swept(self) -> bool:
        """Whether it is a sweep: allocations inside one of its calls fail in turn."""
        return any(step.fault for step in flatten(self.steps))

    @property
    def persistent(self) -> bool:
        """Whether in each execution of the sweep all allocations from one on fail, not that one alone."""
        return any(step.fault == "from-each-allocation" for step in flatten(self.steps))
