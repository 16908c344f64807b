# SPDX-License-Identifier: Apache-2.0
"""Follows a trace through what naive.py permits, step by step, to the first step that is not permitted.

What a baseline knows is passed over: the walk goes on from what was seen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.exploring import naive
from lockproof.conformance.exploring.charges import charged
from lockproof.conformance.exploring.naive import Choice, State
from lockproof.conformance.judging.judge import locks
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import flatten
from lockproof.conformance.language.requirements import Aspect
from lockproof.conformance.protocol.trace import Ended

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lockproof.conformance.language.case import Case, Region, Step
    from lockproof.conformance.protocol.trace import Crash, Elsewhere, Execution, StepTrace, Trace

__all__ = ["UNFINISHED", "Divergence", "Judgement", "crashed", "judged", "reason_of"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a target left what is permitted."""

    step: int
    """Number of the step."""
    what: str
    choices: tuple[Choice, ...] = ()
    results: Mapping[int, str] = field(default_factory=dict)
    """What the steps before it gave, by number."""
    requirement: str = ""
    """Id of what is broken; empty: the target was only compared with another."""
    aspect: Aspect = Aspect.RESULT
    """What of the step shows it."""

    @property
    def kind(self) -> str:
        """In the words of a baseline."""
        return f"{self.requirement}:{self.aspect}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a generated case."""

    divergence: Divergence | None = None
    """The first that is news."""
    known: tuple[str, ...] = ()
    """The kinds of those that were passed over, as they are known."""
    unresolved: str = ""
    """Why it could not be found out what the target does; empty: it was."""


UNFINISHED = frozenset({Ended.SETUP, Ended.TROUBLE, Ended.KILLED, Ended.OOM})
"""Ends of an execution that say nothing about the calls."""


def judged(case: Case, trace: Trace, page_size: int, known: Collection[str] = ()) -> Judgement:
    """Return where a trace first leaves what is permitted.

    `known`: kinds of deviations that are passed over where a call left the job half done that it was asked for.
    """
    if trace.crash is not None:
        return Judgement(crashed(case, trace, trace.crash))
    if trace.trouble is not None or not trace.executions:
        return Judgement(unresolved=trace.trouble or "nothing was executed")
    passed: list[str] = []
    for execution in trace.executions:
        if execution.status in UNFINISHED:
            return Judgement(known=tuple(passed), unresolved=reason_of(execution))
        walk = _Walk(case, execution, page_size, known)
        try:
            walk.all_steps()
        except _LeavesError as left:
            return Judgement(left.divergence, tuple(passed + walk.known))
        except _UnseenError as unseen:
            return Judgement(known=tuple(passed + walk.known), unresolved=str(unseen))
        passed += walk.known
    return Judgement(known=tuple(passed))


def reason_of(execution: Execution) -> str:
    """Say why an execution says nothing about the calls."""
    reason = f": {execution.reason}" if execution.reason else ""
    match execution.status:
        case Ended.SETUP:
            return f"its set-up failed{reason}"
        case Ended.TROUBLE:
            return f"the target could not go on{reason}"
        case Ended.OOM:
            return "the OOM killer ended the process"
    return "the process was killed from outside"


def crashed(case: Case, trace: Trace, crash: Crash) -> Divergence:
    """Charge the end of a kernel to the last step: nobody knows to which it is due."""
    steps = list(flatten(case.steps))
    results = {step.step: step.result for execution in trace.executions[-1:] for step in execution.steps}
    requirement = steps[-1].call.signature.checks[0]
    return Divergence(len(steps) - 1, crash.what, (), results, requirement)


class _LeavesError(Exception):
    """A step does what is not permitted."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__()
        self.divergence = divergence


class _UnseenError(Exception):
    """It cannot be said what a step has done."""


class _Walk:
    """One execution."""

    def __init__(self, case: Case, execution: Execution, page_size: int, known: Collection[str]) -> None:
        self.case = case
        self.execution = execution
        self.passable = known
        self.seen = {step.step: step for step in execution.steps}
        self.objects = Counter(case.map)
        self.state = _start(case, page_size)
        self.number = 0
        self.results: dict[int, str] = {}
        self.made: list[tuple[Step, str]] = []
        self.known: list[str] = []
        self.ended = False
        """Whether the process was permitted to end."""

    def all_steps(self) -> None:
        """Walk to the end. Raises _LeavesError, _UnseenError."""
        self._steps(self.case.steps)
        if self.execution.status is not Ended.DONE and not self.ended:
            msg = f"the process {self._how()} behind its last step"
            raise _UnseenError(msg)

    def _how(self) -> str:
        return "hung" if self.execution.status is Ended.HUNG else f"died of {self.execution.signal}"

    def _steps(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            number, self.number = self.number, self.number + 1
            self._children(step)
            if self.ended:
                return
            done = self.seen.get(number)
            if done is None:
                self._end(step, number)
                return
            self._step(step, number, done)
            self.results[number] = done.result
            self.made.append((step, done.result))

    def _children(self, step: Step) -> None:
        if not step.child:
            return
        if step.call is Call.THREADS:
            self.number += len(step.child)
            return
        parent = self.state
        if step.call is Call.FORK:
            self.state = naive.child_of(parent)
        self._steps(step.child)
        if step.call is Call.FORK:
            self.state = parent

    def _end(self, step: Step, number: int) -> None:
        """Judge the end of the process in a step that therefore was not reported."""
        if self.execution.at_step != number:
            msg = f"step {number}, {step.call}, was not reported"
            raise _UnseenError(msg)
        choices = self._choices(step, fault=False)
        signal = self.execution.signal
        self.ended = any(signal in choice.results for choice in choices)
        if not self.ended:
            what = f"{step.call} gave no result: the process {self._how()}"
            raise _LeavesError(self._divergence(step, number, what, signal or "", Aspect.RESULT, choices))

    def _step(self, step: Step, number: int, done: StepTrace) -> None:
        sight = _seen(step, number, done)
        if step.call is Call.THREADS:
            choices = self._at_once(step, number, done)
        else:
            choices = self._choices(step, fault=done.fault in {"failed", "absorbed"})
        wrong = [(choice, _mismatch(choice, sight)) for choice in choices]
        nearest, aspect = min(wrong, key=lambda pair: _FAR.index(pair[1]))
        if aspect is not None:
            what = f"{step.call} gave {done.result} and left {_words(nearest, sight, aspect)}"
            found = self._divergence(step, number, what, done.result, aspect, choices)
            if found.kind not in self.passable or not _is_part(self.state, step, nearest, sight):
                raise _LeavesError(found)
            self.known.append(found.kind)
        self.state = _after(nearest, sight, passed=aspect is not None)

    def _divergence(
        self, step: Step, number: int, what: str, result: str, aspect: Aspect, choices: list[Choice]
    ) -> Divergence:
        requirement = charged(step, result, aspect, self.state, choices, self.made)
        return Divergence(number, what, tuple(choices), dict(self.results), requirement, aspect)

    def _choices(self, step: Step, *, fault: bool) -> list[Choice]:
        return naive.permitted(self.state, *self._object(step), fault=fault)

    def _at_once(self, step: Step, number: int, done: StepTrace) -> list[Choice]:
        calls = [self._object(call) for call in step.child]
        choices = naive.at_once(self.state, calls, done.results, step.times or 1)
        if not choices:
            what = f"{step.call} gave {done.results}, as in no order of the calls"
            raise _LeavesError(self._divergence(step, number, what, done.result, Aspect.RESULT, []))
        return choices

    def _object(self, step: Step) -> tuple[Step, Region | None, int]:
        """Return a step with the region and the first page of its object that it maps."""
        region = self.case.regions.get(step.region) if step.region else None
        first = self.objects[step.region] if step.region else 0
        if step.region and step.range:
            self.objects[step.region] += step.range.count
        return step, region, first


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


class _Sight(NamedTuple):
    """What was seen after a step."""

    result: str
    strip: str
    mapped: frozenset[int]
    locked: frozenset[int]
    resident: frozenset[int] | None
    elsewhere: Elsewhere | None


def _seen(step: Step, number: int, done: StepTrace) -> _Sight:
    strip = locks(done.snapshot)
    if strip is None:
        msg = f"observers disagree about the locks after step {number}, {step.call}"
        raise _UnseenError(msg)
    resident = done.snapshot.resident
    return _Sight(
        done.result,
        strip,
        mapped=_where(strip, ".LF"),
        locked=_where(strip, "LF"),
        resident=None if resident is None else _where(resident, "R"),
        elsewhere=done.snapshot.elsewhere,
    )


def _where(strip: str, letters: str) -> frozenset[int]:
    return frozenset(page for page, letter in enumerate(strip) if letter in letters)


_FAR: tuple[Aspect | None, ...] = (None, Aspect.RESIDENT, Aspect.LOCKED, Aspect.RESULT)
"""What is not as permitted, from the least on."""


def _mismatch(choice: Choice, sight: _Sight) -> Aspect | None:
    after = choice.after
    if sight.result not in choice.results:
        return Aspect.RESULT
    if (
        sight.mapped != after.mapped
        or not sight.locked ^ after.locked <= choice.open
        or _is_wrong_elsewhere(after, sight)
    ):
        return Aspect.LOCKED
    if _absent(sight) - after.absent:
        return Aspect.RESIDENT
    return None


def _absent(sight: _Sight) -> frozenset[int]:
    return sight.locked - sight.resident if sight.resident is not None else frozenset()


def _is_wrong_elsewhere(after: State, sight: _Sight) -> bool:
    if after.program is None or sight.elsewhere is None:
        return False
    return sight.elsewhere.locked != (sight.elsewhere.mapped if after.program else 0)


def _is_part(before: State, step: Step, nearest: Choice, sight: _Sight) -> bool:
    """Tell whether each page is as it was, as it was to become, or as it would be permitted."""
    may_change = (naive.job(before, step) ^ before.locked) | (nearest.after.locked ^ before.locked) | nearest.open
    return sight.mapped == nearest.after.mapped and sight.locked ^ before.locked <= may_change


def _after(choice: Choice, sight: _Sight, *, passed: bool) -> State:
    """Return the state from which to go on; `passed`: behind a deviation that is known."""
    if not passed:
        return replace(choice.after, locked=sight.locked, absent=choice.after.absent & sight.locked)
    program = choice.after.program
    if sight.elsewhere is not None:
        program = {sight.elsewhere.mapped: True, 0: False}.get(sight.elsewhere.locked)
    return replace(choice.after, locked=sight.locked, absent=_absent(sight), program=program)


def _words(nearest: Choice, sight: _Sight, aspect: Aspect) -> str:
    """Say what a step has left, for people."""
    what = f"the locks {sight.strip}"
    if aspect is Aspect.RESIDENT:
        pages = ", ".join(map(str, sorted(_absent(sight) - nearest.after.absent)))
        return f"{what}, and not in memory of these: {pages}"
    if sight.elsewhere is not None and _is_wrong_elsewhere(nearest.after, sight):
        return f"{what}, and {sight.elsewhere.locked} of the program's own {sight.elsewhere.mapped} pages locked"
    return what
