# SPDX-License-Identifier: Apache-2.0
"""What was seen after a step, against one permitted outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.counted import counted, page_numbers
from lockproof.conformance.language.case import ANY, UNCHANGED, Outcome
from lockproof.conformance.language.requirements import Aspect
from lockproof.conformance.protocol.trace import SystemTrace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.protocol.trace import Snapshot, StepTrace

__all__ = ["LOCKS_NOT_SEEN", "Comparison", "Mismatch"]

LOCKS_NOT_SEEN = "locks were not observed"
_LOCKED = "LF"


class Mismatch(NamedTuple):
    """One way in which a step was not the outcome."""

    aspect: Aspect
    message: str
    pages: tuple[int, ...] = ()
    seen: str | None = None
    permitted: str | None = None


@dataclass
class Comparison:
    """What was seen, against one permitted outcome."""

    outcome: Outcome
    before: Snapshot
    done: StepTrace
    was: str | None
    """Locks before the step; None: nobody saw them."""
    now: str | None
    """Locks after it."""
    modes: bool
    """Whether the target tells locks on fault from eager ones."""
    mismatches: list[Mismatch] = field(default_factory=list)
    unseen: str = ""
    """What would have had to be seen and was not."""

    def __post_init__(self) -> None:
        """Compare."""
        self.mismatches += (
            *self._result(),
            *self._locked(),
            *self._elsewhere(),
            *self._resident(),
            *self._mappings(),
            *self._accounting(),
            *self._system(),
            *self._page_faults(),
        )

    def distance(self) -> tuple[bool, bool, int]:
        """Measure how far from this outcome the step was: its result first, then its success, then the pages."""
        permitted, result = self.outcome.result, self.done.result
        wrong = bool(self._result())
        other_kind = all((word == "0") != (result == "0") for word in permitted)
        return wrong, wrong and other_kind, sum(max(1, len(mismatch.pages)) for mismatch in self.mismatches)

    def _result(self) -> list[Mismatch]:
        permitted, result = self.outcome.result, self.done.result
        if ANY in permitted or result in permitted:
            return []
        either = " or ".join(permitted)
        return [Mismatch(Aspect.RESULT, f"returned {result}, permitted {either}", permitted=either)]

    def _locked(self) -> Iterator[Mismatch]:
        if self.outcome.locked == ANY:
            return
        if self.was is None or self.now is None:
            self.unseen = LOCKS_NOT_SEEN
            return
        permitted = self.was if self.outcome.locked == UNCHANGED else self.outcome.locked
        if not self.modes:
            permitted = permitted.replace("F", "L")
        if permitted == self.now:
            return
        words: dict[str, list[int]] = {}
        for page, (was, now, wanted) in enumerate(zip(self.was, self.now, permitted, strict=True)):
            if wanted not in {"?", now}:
                words.setdefault(_lock_words(was, now, wanted), []).append(page)
        for what, pages in words.items():
            yield Mismatch(Aspect.LOCKED, f"{page_numbers(pages)} {what}", tuple(pages), self.now, permitted)

    def _elsewhere(self) -> Iterator[Mismatch]:
        wanted = self.outcome.locks_elsewhere
        was, now = self.before.elsewhere, self.done.snapshot.elsewhere
        if wanted == ANY:
            return
        if was is None or now is None:
            self.unseen = "locks outside the arena were not observed"
        elif wanted == UNCHANGED and was.locked != now.locked:
            became = "locked" if now.locked > was.locked else "unlocked"
            yield Mismatch(
                Aspect.LOCKED, f"{counted(abs(now.locked - was.locked), 'page')} outside the arena became {became}"
            )
        elif wanted == "all" and now.locked != now.mapped:
            yield Mismatch(
                Aspect.LOCKED,
                f"{counted(now.mapped - now.locked, 'page')} outside the arena of {now.mapped} not locked",
            )
        elif wanted == "none" and now.locked:
            yield Mismatch(Aspect.LOCKED, f"{counted(now.locked, 'page')} outside the arena locked")

    def _resident(self) -> Iterator[Mismatch]:
        if self.outcome.resident == ANY:
            return
        now = self.done.snapshot.resident
        if now is None:
            self.unseen = "residency was not observed"
            return
        if now == self.outcome.resident:
            return
        for wanted, what in (("R", "not resident"), (".", "resident"), ("_", "mapped")):
            pages = [
                page
                for page, (is_, should) in enumerate(zip(now, self.outcome.resident, strict=True))
                if should == wanted != is_
            ]
            if pages:
                yield Mismatch(
                    Aspect.RESIDENT,
                    f"{page_numbers(pages)} {'is' if len(pages) == 1 else 'are'} {what}",
                    tuple(pages),
                    now,
                    self.outcome.resident,
                )

    def _mappings(self) -> Iterator[Mismatch]:
        if self.outcome.mappings == ANY:
            return
        was, now = self.before.mappings, self.done.snapshot.mappings
        if was is None or now is None:
            self.unseen = "the boundaries of mappings were not observed"
        elif was != now:
            moved = tuple(page for page, (a, b) in enumerate(zip(was, now, strict=True)) if a != b)
            where = page_numbers(list(moved))
            yield Mismatch(
                Aspect.MAPPINGS,
                f"{now.count('|')} mappings instead of {was.count('|')}, boundaries changed at {where}",
                moved,
                now,
                was,
            )

    def _accounting(self) -> Iterator[Mismatch]:
        if self.outcome.accounting == ANY:
            return
        accounted, elsewhere = self.done.snapshot.accounted, self.done.snapshot.elsewhere
        if accounted is None or elsewhere is None or self.now is None:
            self.unseen = "the target's count of locked memory was not observed"
            return
        locked = sum(map(self.now.count, _LOCKED)) + elsewhere.locked
        if accounted != locked:
            yield Mismatch(Aspect.ACCOUNTING, f"{counted(accounted, 'page')} counted as locked, {locked} locked")

    def _system(self) -> Iterator[Mismatch]:
        found = self.done.system or SystemTrace(None, None)
        for aspect, wanted, counts, what in (
            (Aspect.MLOCKED, self.outcome.mlocked, found.mlocked, "mlocked pages"),
            (Aspect.VM_AREAS, self.outcome.vm_areas, found.vm_areas, "mapping objects"),
        ):
            if wanted == ANY:
                continue
            if counts is None:
                self.unseen = f"the system's count of {what} was not observed"
                continue
            start, now = counts
            rise = wanted if isinstance(wanted, int) else 0
            if now - start != rise:
                more = f"{abs(now - start)} {'more' if now >= start else 'fewer'}"
                more += f" instead of {rise} more" if rise else ""
                yield Mismatch(aspect, f"the system counts {now} {what}, {more} than when the target was started")

    def _page_faults(self) -> Iterator[Mismatch]:
        wanted, faults = self.outcome.page_faults, self.done.page_faults
        if wanted == ANY:
            return
        if faults is None:
            self.unseen = "page faults were not counted"
        elif (wanted == "none") != (faults == 0):
            yield Mismatch(
                Aspect.PAGE_FAULTS, f"the access took {counted(faults, 'page fault') if faults else 'no page fault'}"
            )


def _lock_words(was: str, now: str, wanted: str) -> str:
    if "_" in (now, wanted):
        return f"{'stayed' if (was == '_') == (now == '_') else 'became'} {'mapped' if wanted == '_' else 'unmapped'}"
    if now == ".":
        return "became unlocked" if was in _LOCKED else "stayed unlocked"
    if wanted == ".":
        return "stayed locked" if was in _LOCKED else "became locked"
    return "locked on fault instead of at once" if now == "F" else "locked at once instead of on fault"
