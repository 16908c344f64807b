# SPDX-License-Identifier: Apache-2.0
"""Every state of small address spaces on a model: the C of native/models/prove/prove.c, one range of spaces at a time.

Address spaces, calls and checks have numbers; native/models/model.h says which.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import count, pairwise, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof import _models
from lockproof._models import ffi, lib
from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import read_input

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Asked",
    "Check",
    "CheckCount",
    "Part",
    "call",
    "checks",
    "explore",
    "has_call",
    "identity",
    "merge",
    "space",
    "spaces",
]

_MOST_CALLS = 1 << 16
"""More than there are in any address space; what C can count to is more."""
_KINDS = "_arnARN"
"""A hole, read-write, read-only, PROT_NONE; locked ones are capital letters."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is looked at in every state that it says something about."""

    requirement: str
    about: str


@dataclass(frozen=True, slots=True)
class CheckCount:
    """How often one check was made and did not hold, and where first."""

    checked: int
    """States."""
    broken: int
    space: int = 0
    """Number of the first address space that breaks it, and of the call in it."""
    call: int = 0
    n: int = 0
    """The allocation that failed in that state; 0: none."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is known of the address spaces [first, past)."""

    first: int
    past: int
    states: int
    counts: tuple[CheckCount, ...]
    """Of each check, by number."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of the exploration."""

    name: str
    page: int
    pages: int
    """0: it has no range."""
    flags: int
    future: bool
    """Whether MCL_FUTURE was in force before."""


@cache
def identity() -> str:
    """Return what tells the models from those of another version."""
    return hashlib.sha256(read_input(Path(_models.__file__))).hexdigest()[:16]


def checks() -> tuple[Check, ...]:
    """Return all checks; the index of one is its number."""
    numbers = takewhile(lambda number: lib.lockproof_check_requirement(number) != ffi.NULL, count())
    texts = (lib.lockproof_check_requirement, lib.lockproof_check_about)
    return tuple(Check(*(ffi.string(text(number)).decode() for text in texts)) for number in numbers)


def spaces(pages: int) -> int:
    """Count the address spaces of up to so many pages."""
    return int(sum(len(_KINDS) ** count for count in range(1, pages + 1)))


def space(number: int) -> str:
    """Draw the address space with a number: a letter of `_arnARN` for each page."""
    pages = 1
    while number >= len(_KINDS) ** pages:
        number -= len(_KINDS) ** pages
        pages += 1
    drawn = ""
    for _ in range(pages):
        number, digit = divmod(number, len(_KINDS))
        drawn += _KINDS[digit]
    return drawn


def call(pages: int, number: int) -> Asked:
    """Return the call with a number on so many pages. Raises IndexError."""
    found = ffi.new("struct lockproof_call *")
    if not lib.lockproof_call(pages, number, found):
        raise IndexError(number)
    name = ffi.string(found.name).decode()
    return Asked(name, found.page, found.pages, found.flags, bool(found.future))


def has_call(most_pages: int, space_number: int, number: int) -> bool:
    """Tell whether there is a call with a number in the address space with one, of up to so many pages."""
    if not 0 <= space_number < spaces(most_pages) or not 0 <= number < _MOST_CALLS:
        return False
    return bool(lib.lockproof_call(len(space(space_number)), number, ffi.new("struct lockproof_call *")))


def explore(
    model: str,
    first: int,
    past: int,
    *,
    pages: int,
    threads: int,
    watch: Callable[[int, int], bool] | None = None,
    every: float = 0.1,
) -> Part:
    """Explore the spaces [first, past) on so many threads, in one call of C.

    `watch` is told the spaces and states that are done, each `every` seconds, and says whether to go on; a
    KeyboardInterrupt stops it as well. What comes back has no gaps, and may end before `past`. Raises UsageError where
    there is no such model.
    """
    proof = ffi.new("struct lockproof_proof *")
    proof.first, proof.past, proof.pages, proof.threads = first, past, pages, threads
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lib.lockproof_prove, model.encode(), proof)
        while not running.done():
            try:
                running.exception(every)
            except TimeoutError:
                proof.stop = watch is not None and not watch(proof.covered - first, proof.states)
            except KeyboardInterrupt:
                proof.stop = 1
    if running.result():
        msg = f"model {model!r} cannot be explored up to {pages} pages: no such model, or not enough memory"
        raise UsageError(msg)
    found = tuple(CheckCount(count.checked, count.broken, count.space, count.call, count.n) for count in proof.findings)
    return Part(first, proof.covered, proof.states, found)


def merge(parts: list[Part]) -> Part:
    """Add up parts that follow each other."""
    if any(a.past != b.first for a, b in pairwise(parts)):
        msg = "the parts leave something out, or have something twice"
        raise ValueError(msg)
    counts = tuple(map(_sum, zip(*(part.counts for part in parts), strict=True)))
    return Part(parts[0].first, parts[-1].past, sum(part.states for part in parts), counts)


def _sum(counts: tuple[CheckCount, ...]) -> CheckCount:
    broken = [count for count in counts if count.broken]
    least = min(broken, key=lambda count: (count.space, count.call, count.n), default=counts[0])
    checked, times = sum(count.checked for count in counts), sum(count.broken for count in counts)
    return CheckCount(checked, times, least.space, least.call, least.n)
