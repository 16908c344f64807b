# SPDX-License-Identifier: Apache-2.0
"""Calls that threads make at the same time: what they may give, and leave, by the orders in which they could be made.

POSIX.1-2024, XSH 2.9.1 (Thread-Safety): the calls may be made at the same time, and each then does what it is for.
That they are atomic nobody promises: so of each page, for itself, the lock is one that some order leaves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.effects import Locks, after, course

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.language.case import Step

__all__ = ["FEWEST", "MOST", "End", "ends_of", "is_known"]

FEWEST, MOST = 2, 4
"""Calls at the same time: what a program may have (native/probe/PROTOCOL.md)."""

_ENOMEM = "ENOMEM"
_FAIL_AT_HOLES = {Call.MLOCK, Call.MLOCK2, Call.MUNLOCK, Call.MPROTECT, Call.MADVISE}


class End(NamedTuple):
    """What some order of the calls gives and leaves."""

    results: tuple[frozenset[str], ...]
    """Of each call all results that it had."""
    locked: str
    """A strip of `L`, `F`, `.` and `_`."""


def ends_of(locked: str, steps: tuple[Step, ...], number: int) -> frozenset[End]:
    """Return what the threads of a step may end with, by the locks before the first step.

    `number`: of the step among `steps`. There are none where it is not known what a call of it does, or one before it.
    """
    before = course(locked, steps[:number])[-1]
    return frozenset() if before is None else _ends(before, steps[number].child, again=steps[number].times != 1)


def is_known(step: Step) -> bool:
    """Tell whether it is known what a call does, also where it fails; of one whose range is written."""
    match step.call:
        case Call.MADVISE:
            return step.advice == "dontneed" and step.range is not None and step.range.whole_pages
        case Call.MPROTECT if step.protection == "none":
            return False
    return after(step, Locks("." * len(step.range.pages if step.range else ""))) is not None


@lru_cache
def _ends(before: Locks, calls: tuple[Step, ...], *, again: bool) -> frozenset[End]:
    """Return the ends of all orders; `again`: where each call may be made any number of times, but once at least."""
    start = tuple(frozenset[str]() for _ in calls)
    seen = {(before, start)}
    left = [(before, start)]
    while left:
        locks, results = left.pop()
        for number, call in enumerate(calls):
            if results[number] and not again:
                continue
            for result, now in _made(call, locks):
                told = (*results[:number], results[number] | {result}, *results[number + 1 :])
                if (now, told) not in seen:
                    seen.add((now, told))
                    left.append((now, told))
    return frozenset(End(results, locks.now) for locks, results in seen if all(results))


def _made(call: Step, locks: Locks) -> Iterator[tuple[str, Locks]]:
    """Make one call: its result, or one of those that it may have, and the locks that it leaves."""
    pages = {lock for mark, lock in zip(call.range.pages if call.range else "", locks.now, strict=False) if mark == "^"}
    errors = [_ENOMEM] if "_" in pages and call.call in _FAIL_AT_HOLES else []
    if call.call is Call.MADVISE and pages & {"L", "F"}:  # madvise(2): EINVAL for MADV_DONTNEED of locked pages
        errors.append("EINVAL")
    for error in errors:
        yield error, locks
    left = locks if call.call is Call.MADVISE else after(call, locks)
    if not errors and left is not None:
        yield "0", Locks(left.now, left.later)
