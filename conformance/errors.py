# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong, in the order in which a run meets it.

1. The command line names something that does not exist, or a case file is wrong: `UsageError`, `CaseFileError`.
   Nothing has run; exit code 2.
2. A target cannot be started, or its stream makes no sense: `TargetError`. Its cases are UNRESOLVED; exit code 3.
3. Results cannot be written: `StoreError`. The run stops, what is recorded stays; exit code 3.

Each says what happened, where, and what to do. The command line prints them in one place (cli.py). A kernel that
breaks its promise is no error: that is a verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError

__all__ = [
    "CaseFileError",
    "Location",
    "LockproofError",
    "Problem",
    "StoreError",
    "TargetError",
    "UsageError",
    "first_mistake",
    "suggest",
]


_LONG_WORD = re.compile(r"(\S{60})\S{140,}")
"""What a message quotes of a file, and nobody reads to its end."""


class Location(NamedTuple):
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Return the form that editors and terminals make clickable."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a case file."""

    location: Location
    field: str
    """Path of the field, such as `regions.a.kind`; empty where the file as a whole is meant."""
    message: str
    """What is wrong; what to write instead."""

    def __str__(self) -> str:
        """Return the one line that a user reads."""
        message = _LONG_WORD.sub(r"\1…", self.message)
        return f"{self.location}: {self.field + ': ' if self.field else ''}{message}"


class LockproofError(Exception):
    """Base of all that lockproof itself raises."""

    exit_code = 3


class UsageError(LockproofError):
    """The caller asked for something that cannot be; nothing has run."""

    exit_code = 2


class CaseFileError(UsageError):
    """Case files, or the catalogue of requirements, are wrong; carries every mistake in all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Sort the problems by their place."""
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class TargetError(LockproofError):
    """A target could not be started, or answered with something that is not the protocol."""


class StoreError(LockproofError):
    """A run's folder could not be read or written."""


def first_mistake(error: ValidationError) -> str:
    """Return the first thing that is wrong with some data: where in it, and what."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def suggest(word: str, known: Iterable[str]) -> str:
    """Say which of the known words was probably meant, or list them where they are few."""
    from difflib import get_close_matches  # noqa: PLC0415  every start imports errors, and few have one

    choices = sorted(known)
    begun = [choice for choice in choices if word and choice.startswith(word)]
    if close := begun or get_close_matches(word, choices, n=1, cutoff=0.6):
        return f"did you mean {close[0]}?"
    few = 12
    return f"write one of: {', '.join(choices)}" if len(choices) <= few else "no known name is similar"
