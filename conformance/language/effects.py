# SPDX-License-Identifier: Apache-2.0
"""What a call is for: the strips that `done` stands for in an outcome, where every call before it has to succeed.

POSIX.1-2024, mlock, mlockall, mmap, munmap; man-pages of Linux: mlock2(2), mremap(2), brk(2). It says nothing of memory
of kinds that cannot be locked as any other, nor of protection: that is for the case to know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.fields import ANY, DONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lockproof.conformance.language.case import Outcome, Range, Step, WrittenCase

__all__ = ["Locks", "after", "course", "filled", "unknown_effects"]

_HOLE = "_"
_BROUGHT = str.maketrans("LF.", "R??")


@dataclass(frozen=True, slots=True)
class Locks:
    """The locks of the arena, and of what is mapped later."""

    now: str
    """A strip of `L`, `F`, `.` and `_`."""
    later: str = "."
    """`L`, `F` or `.`."""
    brought: str = ANY
    """A strip: `R` what is in memory after the last call because it is locked, `?` other pages, `_`; or `any`."""


def filled(written: WrittenCase) -> tuple[Step, ...]:
    """Return the steps of a case without mistakes, with strips instead of `done`."""
    return tuple(
        replace(step, expect=tuple(_outcome(outcome, locks) for outcome in step.expect)) if locks else step
        for step, locks in zip(written.steps, _course(written), strict=True)
    )


def unknown_effects(written: WrittenCase) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Find `done` where nobody knows what it stands for: the path of the field, and what to write instead."""
    for number, (step, locks) in enumerate(zip(written.steps, _course(written), strict=True)):
        for which, outcome in enumerate(step.expect):
            for field in ("locked", "resident"):
                if getattr(outcome, field) == DONE and locks is None and step.call is not Call.THREADS:
                    path = ("steps", number, "expect", which, field)
                    yield path, f"what is done by this {step.call}, or by a call before it, is not known; write a strip"


def _outcome(outcome: Outcome, locks: Locks) -> Outcome:
    if DONE not in {outcome.locked, outcome.resident}:
        return outcome
    locked = locks.now if outcome.locked == DONE else outcome.locked
    return replace(outcome, locked=locked, resident=locks.brought if outcome.resident == DONE else outcome.resident)


def course(locked: str, steps: tuple[Step, ...]) -> list[Locks | None]:
    """Return the locks before the first step and after each, where it succeeds and it is known what it does."""
    course: list[Locks | None] = [Locks(locked)]
    for step in steps:
        course.append(after(step, before) if (before := course[-1]) else None)
    return course


def _course(written: WrittenCase) -> list[Locks | None]:
    """Return the locks after each step."""
    return course(written.locked or strips.unlocked(written.map), written.steps)[1:]


def after(step: Step, before: Locks) -> Locks | None:
    """Return the locks after a step that succeeds; None: it is not known what it does."""
    effect = _EFFECTS.get(step.call)
    # One that is missing is a mistake that others find.
    ranges = [getattr(step, field) for field in ("range", "to") if field in step.call.signature.needs]
    if effect is None or not all(pages is not None and pages.whole_pages for pages in ranges):
        return None
    return effect(step, before)


def _mode(step: Step) -> str:
    return "F" if "ONFAULT" in step.flags else "L"


def _mlockall(step: Step, before: Locks) -> Locks:
    now = _everywhere(before.now, _mode(step)) if "CURRENT" in step.flags else before.now
    return _brought(Locks(now, _mode(step) if "FUTURE" in step.flags else "."))


def _mmap(step: Step, before: Locks) -> Locks:
    return _brought(_marked(before, step.range, "L" if step.flags else before.later), step.range)


def _mremap(step: Step, before: Locks) -> Locks | None:
    if step.range is None or step.flags:  # with a flag the old mapping stays
        return None
    lock = before.now[step.range.first]
    return _brought(_marked(_marked(before, step.range, _HOLE), step.to, lock), step.to)


_EFFECTS: dict[Call, Callable[[Step, Locks], Locks | None]] = {
    Call.MLOCK: lambda step, before: _brought(_marked(before, step.range, "L")),
    Call.MLOCK2: lambda step, before: _brought(_marked(before, step.range, _mode(step))),
    Call.MUNLOCK: lambda step, before: _marked(before, step.range, "."),
    Call.MUNMAP: lambda step, before: _marked(before, step.range, _HOLE),
    Call.MMAP: _mmap,
    Call.MREMAP: _mremap,
    Call.MLOCKALL: _mlockall,
    Call.MUNLOCKALL: lambda _, before: Locks(_everywhere(before.now, ".")),
    Call.TOUCH: lambda _, before: before,
    Call.OBSERVE: lambda _, before: before,
    Call.RECLAIM: lambda _, before: before,
    Call.MPROTECT: lambda _, before: before,
}


def _everywhere(now: str, lock: str) -> str:
    return now.translate(str.maketrans("LF.", lock * 3))


def _marked(locks: Locks, pages: Range | None, lock: str) -> Locks:
    """Return them with a lock of the pages."""
    return replace(locks, now=_over(locks.now, pages, lock * pages.count)) if pages else locks


def _brought(locks: Locks, pages: Range | None = None) -> Locks:
    """Return them with what is in memory now: pages that are locked, but not on fault, of a range or of all."""
    brought = locks.now.translate(_BROUGHT)
    if pages:
        inside = brought[pages.first : pages.first + pages.count]
        brought = _over(_everywhere(locks.now, "?"), pages, inside)
    return replace(locks, brought=brought)


def _over(strip: str, pages: Range, inside: str) -> str:
    """Return a strip with another in place of the pages of a range."""
    return strip[: pages.first] + inside + strip[pages.first + pages.count :]
