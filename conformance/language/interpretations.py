# SPDX-License-Identifier: Apache-2.0
"""Where the text of the standard can be read in two ways: cases/interpretations.yaml. A reading is `ID=CHOICE`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field

from lockproof.conformance.errors import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


__all__ = ["SYSTEMS", "Interpretation", "decided", "mistakes", "parse", "reading_of"]

SYSTEMS = ("Linux", "FreeBSD", "NetBSD", "illumos", "gVisor")
"""Of each of these an interpretation says what it does."""
_LONGEST_CLAUSE = 200

_Text = Annotated[str, Field(min_length=1)]
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """A question that the text leaves open, and its answers."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: _Text
    question: _Text
    text: dict[str, Annotated[str, Field(min_length=1, max_length=_LONGEST_CLAUSE)]]
    """By section of the standard the clause that the readings rest on, as it stands there."""
    readings: dict[str, _Text]
    """By the name of each what it says."""
    systems: dict[str, _Text]
    """What other systems do, with file and function."""
    decided: str
    """The reading by which cases are judged where nobody asks for another."""
    because: _Text


def mistakes(found: Interpretation) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find what is wrong in an interpretation beyond the types of its fields: the path of the field, and what."""
    for path, name in ((("id",), found.id), *((("readings", choice), choice) for choice in found.readings)):
        if not _NAME.fullmatch(name):
            yield path, f"{name!r} is no name here; write small letters and digits, with '-' between words"
    if not found.text:
        yield ("text",), "no clause; write at least one, as section: words"
    if len(found.readings) < 2:  # noqa: PLR2004  one reading is no question
        yield ("readings",), "one reading is no question; write at least two"
    if found.decided not in found.readings:
        yield ("decided",), f"{found.decided!r} is none of the readings; {suggest(found.decided, found.readings)}"
    for system in found.systems:
        if system not in SYSTEMS:
            yield ("systems", system), f"{system!r} is no system here; {suggest(system, SYSTEMS)}"
    if missing := [system for system in SYSTEMS if system not in found.systems]:
        yield ("systems",), f"says nothing of {', '.join(missing)}; write what it does, or that it is not known"


def reading_of(name: str, choice: str) -> str:
    """Write a reading."""
    return f"{name}={choice}"


def parse(text: str, known: Mapping[str, Interpretation]) -> tuple[str, str]:
    """Read `ID=CHOICE`. Raises ValueError, whose text says what to write instead, where there is no such reading."""
    name, equals, choice = text.partition("=")
    if name not in known:
        msg = f"{name!r} is no interpretation; {suggest(name, known)}"
        raise ValueError(msg)
    choices = known[name].readings
    if choice not in choices:
        what = f"{choice!r} is no reading of {name}" if equals else f"{text!r} names no reading"
        msg = f"{what}; {suggest(choice, choices) if choice else f'write one of: {_all(name, choices)}'}"
        raise ValueError(msg)
    return name, choice


def decided(known: Mapping[str, Interpretation]) -> dict[str, str]:
    """Return the choices by which cases are judged where nobody asks for others."""
    return {name: found.decided for name, found in known.items()}


def _all(name: str, choices: Mapping[str, str]) -> str:
    return ", ".join(reading_of(name, choice) for choice in choices)
