# SPDX-License-Identifier: Apache-2.0
"""Follows a trace through what naive.py permits, step by step, to the first step that is not permitted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lockproof.conformance.exploring import naive
from lockproof.conformance.exploring.naive import Choice, State
from lockproof.conformance.judging.judge import locks
from lockproof.conformance.language.calls import Call
from lockproof.conformance.protocol.trace import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockproof.conformance.language.case import Case, Step
    from lockproof.conformance.protocol.trace import Execution, StepTrace, Trace

__all__ = ["Divergence", "first_divergence"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a target left what is permitted."""

    step: int
    """Number of the step; -1: something else is wrong."""
    what: str
    choices: tuple[Choice, ...] = ()
    before: State | None = None
    results: Mapping[int, str] = field(default_factory=dict)
    """What the steps before it gave, by number."""


def first_divergence(case: Case, trace: Trace, page_size: int) -> Divergence | None:
    """Return where a trace first leaves what is permitted, or None."""
    if trace.trouble is not None or trace.crash is not None or not trace.executions:
        return Divergence(-1, trace.trouble or (trace.crash.what if trace.crash else "nothing was executed"))
    for execution in trace.executions:
        found = _Walk(case, execution, page_size).divergence()
        if found is not None:
            return found
    return None


class _Walk:
    """One execution."""

    def __init__(self, case: Case, execution: Execution, page_size: int) -> None:
        self.case = case
        self.execution = execution
        self.seen = {step.step: step for step in execution.steps}
        self.objects = Counter(case.map)
        self.state = _start(case, page_size)
        self.number = 0
        self.results: dict[int, str] = {}
        self.ended = False
        """Whether the process was permitted to end."""

    def divergence(self) -> Divergence | None:
        """Walk to the first divergence."""
        status = self.execution.status
        if status in {Ended.DONE, Ended.DIED}:
            found = self._steps(self.case.steps)
            if found is not None or status is Ended.DONE or self.ended:
                return found
        return Divergence(self.execution.at_step or 0, f"the process ended: {status}")

    def _steps(self, steps: tuple[Step, ...]) -> Divergence | None:
        for step in steps:
            number, self.number = self.number, self.number + 1
            found = self._children(step)
            if found is not None or self.ended:
                return found
            done = self.seen.get(number)
            found = self._end(step, number) if done is None else self._step(step, number, done)
            if found is not None or done is None:
                return found
            self.results[number] = done.result
        return None

    def _end(self, step: Step, number: int) -> Divergence | None:
        """Judge the end of the process in a step that therefore was not reported."""
        signal = self.execution.signal
        if signal is None or self.execution.at_step != number:
            return Divergence(number, "was not reported")
        choices = self._choices(step, fault=False)
        self.ended = any(signal in choice.results for choice in choices)
        if self.ended:
            return None
        what = f"{step.call} ended the process by {signal}"
        return Divergence(number, what, tuple(choices), self.state, dict(self.results))

    def _children(self, step: Step) -> Divergence | None:
        if not step.child:
            return None
        parent = self.state
        if step.call is Call.FORK:
            self.state = naive.child_of(parent)
        found = self._steps(step.child)
        if step.call is Call.FORK:
            self.state = parent
        return found

    def _step(self, step: Step, number: int, done: StepTrace) -> Divergence | None:
        choices = self._choices(step, fault=done.fault in {"failed", "absorbed"})
        for choice in choices:
            after = _taken(choice, done)
            if after is not None:
                self.state = after
                return None
        strip = locks(done.snapshot)
        what = f"{step.call} gave {done.result} and left {strip}, elsewhere {done.snapshot.elsewhere}"
        return Divergence(number, what, tuple(choices), self.state, dict(self.results))

    def _choices(self, step: Step, *, fault: bool) -> list[Choice]:
        region = self.case.regions.get(step.region) if step.region else None
        first = self.objects[step.region] if step.region else 0
        if step.region and step.range:
            self.objects[step.region] += step.range.count
        return naive.permitted(self.state, step, region, first, fault=fault)


def _start(case: Case, page_size: int) -> State:
    mapped = frozenset(page for page, letter in enumerate(case.map) if letter != "_")
    objects: Counter[str] = Counter()
    barred, past = set(), set()
    for page, letter in enumerate(case.map):
        if letter == "_":
            continue
        region = case.regions[letter]
        if region.file_pages is not None and objects[letter] >= region.file_pages:
            past.add(page)
        if region.protection == "none":
            barred.add(page)
        objects[letter] += 1
    limit = case.limits.memlock
    pages = limit.in_bytes(page_size) // page_size if limit is not None and not isinstance(limit, str) else None
    return State(
        mapped,
        frozenset(page for page, lock in enumerate(case.locked) if lock == "L"),
        frozenset(past),
        frozenset(barred),
        limit=pages if case.privilege == "unprivileged" else None,
        program=False,
        page_size=page_size,
    )


def _taken(choice: Choice, done: StepTrace) -> State | None:
    """Return the state after a choice, or None where something else was seen."""
    strip = locks(done.snapshot)
    if done.result not in choice.results or strip is None:
        return None
    locked = frozenset(page for page, lock in enumerate(strip) if lock in "LF")
    mapped = frozenset(page for page, lock in enumerate(strip) if lock != "_")
    after = choice.after
    if mapped != after.mapped or not (locked < after.locked if choice.fewer else False) | (locked == after.locked):
        return None
    resident = done.snapshot.resident
    if resident is not None and any(resident[page] != "R" for page in locked):
        return None
    elsewhere = done.snapshot.elsewhere
    if elsewhere is not None and not _fits(after.program, elsewhere.mapped, elsewhere.locked, fewer=choice.fewer):
        return None
    return replace(after, locked=locked)


def _fits(program: bool | None, mapped: int, locked: int, *, fewer: bool) -> bool:  # noqa: FBT001
    if program is None:
        return True
    return locked == (mapped if program else 0) or (fewer and locked == 0)
