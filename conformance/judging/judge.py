# SPDX-License-Identifier: Apache-2.0
"""Case and Trace to Verdict: a step passes if it matches one of its permitted outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from lockproof.conformance.judging.at_once import AtOnce
from lockproof.conformance.judging.comparison import LOCKS_NOT_SEEN, Comparison, Mismatch
from lockproof.conformance.judging.reclaimed import nothing_shown, without_duty_to_go
from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import Case, Outcome, Step, flatten
from lockproof.conformance.language.interpretations import reading_of
from lockproof.conformance.language.orders import ends_of
from lockproof.conformance.language.readings import others
from lockproof.conformance.language.requirements import Aspect, Ending, Modality
from lockproof.conformance.protocol import call_stack, kernel_log
from lockproof.conformance.protocol.trace import Ended

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.protocol.trace import Execution, Snapshot, StepTrace, Trace

__all__ = ["judge", "locks"]


def judge(case: Case, trace: Trace, requirements: Mapping[str, Requirement], *, modes: bool = True) -> Verdict:
    """Return the verdict of one run of a case, and the readings of the standard without which it would be another.

    `modes`: whether the target tells locks on fault from eager ones; where it does not, they are the same.
    """
    verdict = _judge(case, trace, requirements, modes=modes)
    rests_on = {
        reading_of(name, case.readings[name])
        for name, other in others(case)
        if _is_other(verdict, _judge(other, trace, requirements, modes=modes))
    }
    return replace(verdict, rests_on=tuple(sorted(rests_on))) if rests_on else verdict


def _is_other(one: Verdict, other: Verdict) -> bool:
    return (one.status, one.kinds) != (other.status, other.kinds)


def _judge(case: Case, trace: Trace, requirements: Mapping[str, Requirement], *, modes: bool) -> Verdict:
    """Return the verdict by the readings that the case is loaded with.

    What was found in an execution before its first doubt (observers that disagree, a step that was not reported)
    stands, and the doubt is said beside it; what comes after it supports nothing. A kernel that breaks meanwhile fails
    the case, however strongly its requirements bind.
    """
    findings: list[Finding] = []
    doubts: list[str] = []
    for execution in trace.executions:
        judged = _Execution(case, execution, requirements, modes=modes)
        judged.run()
        doubts += judged.doubts
        findings += judged.findings
    doubts += [trace.trouble] if trace.trouble is not None else []
    broken = _broken(case, trace, requirements)
    if broken is not None:
        return Verdict(Status.FAIL, findings=(broken, *findings))
    if any(finding.modality is not Modality.UNSPECIFIED for finding in findings):
        return Verdict(Status.FAIL, f"besides, {doubts[0]}" if doubts else "", tuple(findings))
    if doubts or not trace.executions:
        return Verdict(Status.UNRESOLVED, doubts[0] if doubts else "nothing was executed")
    if case.swept:
        return _sweep(case, trace, tuple(findings))
    return Verdict(Status.PASS, findings=tuple(findings))


def locks(snapshot: Snapshot) -> str | None:
    """Return the locks that all observers agree on, or None where they do not agree.

    Only some observers tell the modes of locks; the answer is the one that says most.
    """
    seen = list(snapshot.locked.values())
    if len({strip.replace("F", "L") for strip in seen}) != 1:
        return None
    return max(seen, key=lambda strip: strip.count("F"))


def _broken(case: Case, trace: Trace, requirements: Mapping[str, Requirement]) -> Finding | None:
    """Find what the kernel itself says against itself."""
    splat, taint = kernel_log.first_splat(trace.log), kernel_log.new_taint(trace.taint)
    if trace.crash is not None:
        message = trace.crash.what
    elif splat is not None:
        message = f"the kernel logged: {splat}"
    elif taint:
        message = f"the kernel became tainted: {taint}"
    else:
        return None
    requirement = _charged(case, requirements, Aspect.RESULT)
    return Finding(
        requirement.id, requirement.source, requirement.modality, Aspect.RESULT, message, pages=(), step=-1, execution=0
    )


def _charged(
    case: Case, requirements: Mapping[str, Requirement], aspect: Aspect, endings: Collection[Ending] = ()
) -> Requirement:
    """Return the requirement that a deviation is charged to: mainly about it, or at least speaking of it.

    `endings`: how the call has returned, and those before it: what speaks of calls that fail is not charged with one
    that succeeded, where there is another.
    """
    checks = [requirements[name] for name in case.checks]

    def distance(check: Requirement) -> tuple[bool, int]:
        other = bool(endings) and check.when is not None and check.when not in endings
        return other, check.observes.index(aspect) if aspect in check.observes else len(Aspect)

    return min(checks, key=distance)


def _sweep(case: Case, trace: Trace, findings: tuple[Finding, ...]) -> Verdict:
    """Judge whether a sweep without deviations proves anything.

    A call that may not succeed, for it has a reason to fail besides, need not get to an allocation.
    """
    may_succeed = any(step.fault and Ending.SUCCEEDED in step.endings for step in flatten(case.steps))
    faults = [next((step.fault for step in execution.steps if step.fault), None) for execution in trace.executions]
    if may_succeed and not {"failed", "absorbed"} & set(faults):
        return Verdict(Status.UNTESTED, "no allocation inside the call could be made to fail")
    if [execution.number for execution in trace.executions] != list(range(1, len(faults) + 1)):
        return Verdict(Status.UNRESOLVED, "the sweep left out an allocation")
    if faults[-1] != "not-reached":
        return Verdict(Status.UNRESOLVED, f"the sweep ended at allocation {len(faults)}, before the call had no more")
    last = next(step.result for step in trace.executions[-1].steps if step.fault)
    if may_succeed and last != "0":
        return Verdict(Status.UNRESOLVED, f"without a fault the call failed too, with {last}")
    return Verdict(Status.PASS, findings=findings)


def _judged(step: Step) -> tuple[Outcome, ...]:
    """Return the outcomes without what is evidence only: nobody is accused of it."""
    return tuple(map(without_duty_to_go, step.expect)) if step.call is Call.RECLAIM else step.expect


def _not_shown(step: Step, number: int, before: Snapshot, after: Snapshot) -> list[str]:
    doubt = nothing_shown(step.expect[0], before, after) if step.call is Call.RECLAIM else None
    return [] if doubt is None else [f"step {number}, {step.call}, {doubt}"]


@dataclass
class _Execution:
    """The judgement of one execution, under way."""

    case: Case
    execution: Execution
    requirements: Mapping[str, Requirement]
    modes: bool
    findings: list[Finding] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    missing: int | None = None
    """The first step that was not reported."""
    decided: Ending | None = None
    """How the last call returned that might do both, succeed or fail."""
    failed: bool = False
    """Whether a call has failed."""

    def run(self) -> None:
        """Judge it, step by step: what was found before the first doubt stands."""
        if self.execution.status is Ended.SETUP:
            self.doubts.append(f"set-up failed: {self.execution.reason}")
            return
        seen = {step.step: step for step in self.execution.steps}
        before = self._prepared()
        if before is not None:
            self._steps(self.case.steps, before, 0, seen)
        self._ending()

    def _ending(self) -> None:
        """Judge how the process ended."""
        execution = self.execution
        where = self._where(execution.at_step)
        how = "hung and was killed" if execution.status is Ended.HUNG else f"died of {execution.signal}"
        match execution.status:
            case Ended.DONE if self.missing is not None:
                self.doubts.append(f"step {self.missing}, {self._call(self.missing)}, was not reported")
            case Ended.TROUBLE:
                self.doubts.append(f"the target could not go on{where}: {execution.reason}")
            case Ended.KILLED:
                self.doubts.append(f"the process was killed from outside{where}")
            case Ended.OOM:
                self.doubts.append(f"the OOM killer ended the process{where}")
            case Ended.DIED | Ended.HUNG if self._died_as_permitted() is None:
                if execution.at_step is None or execution.at_step < 0:
                    self.doubts.append(f"the process {how} in its set-up")
                elif self._only_records():  # no finding, and no PASS either
                    self.doubts.append(f"the process {how}{where}")
                else:
                    self._find(execution.at_step, Mismatch(Aspect.RESULT, f"the process {how}{where}"))

    def _only_records(self) -> bool:
        return _charged(self.case, self.requirements, Aspect.RESULT).modality is Modality.UNSPECIFIED

    def _died_as_permitted(self) -> int | None:
        """Return the step that ended the process with a signal which it permits."""
        ended = self.execution
        steps = list(flatten(self.case.steps))
        if ended.status is not Ended.DIED or ended.at_step is None or not 0 <= ended.at_step < len(steps):
            return None
        permitted = {result for outcome in steps[ended.at_step].expect for result in outcome.result}
        return ended.at_step if ended.signal and ended.signal in permitted else None

    def _where(self, at_step: int | None) -> str:
        if at_step is None or at_step < 0:
            return " in its set-up"
        call = self._call(at_step)
        return f" in step {at_step}, {call}" if call else ""

    def _call(self, number: int) -> str:
        calls = [step.call for step in flatten(self.case.steps)]
        return calls[number] if number < len(calls) else ""

    def _prepared(self) -> Snapshot | None:
        """Return what the process started from, where that is what the case describes."""
        before = self.execution.before
        if before is None:
            if self.execution.status is Ended.DONE:
                self.doubts.append("the address space was not observed before the first step")
            return None
        seen = self._locks(before, "before the first step")
        wanted = self._same(self.case.earlier)
        if (
            seen is not None
            and seen != wanted
            and any(lock not in {"?", now} for now, lock in zip(seen, wanted, strict=True))
        ):
            self.doubts.append(
                f"set-up gave the locks {strips.compact(seen)} instead of {strips.compact(self.case.locked)}"
            )
        if seen is None and not set(self.case.locked).isdisjoint("LF"):
            self.doubts.append(LOCKS_NOT_SEEN)
        self._neighbours(before.mappings)
        return None if self.doubts else before

    def _neighbours(self, mappings: str | None) -> None:
        """Doubt a set-up in which letters that stand for two mappings are one, where the boundaries are seen."""
        starts = [start for letter, start, _ in strips.runs(self.case.map) if letter != "_"]
        merged = [start for start in starts if mappings is not None and mappings[start] == "-"]
        if merged:
            letters = " and ".join(self.case.map[merged[0] - 1 : merged[0] + 1])
            self.doubts.append(f"set-up gave one mapping instead of two for {letters} at page {merged[0]}")

    def _steps(self, steps: tuple[Step, ...], before: Snapshot, number: int, seen: Mapping[int, StepTrace]) -> int:
        """Judge steps up to the first that was not reported; the number of the step behind them."""
        for step in steps:
            own, number = number, number + 1
            if step.call is Call.THREADS:
                number += len(step.child)
            elif step.fault and own in seen and seen[own].result != "0":  # there never was a child
                number += len(tuple(flatten(step.child)))
            elif step.child:
                number = self._steps(step.child, before, number, seen)
            if self.missing is not None:
                return number
            done = seen.get(own)
            if done is None:
                self.missing = own
                return number
            self._step(step, own, before, done)
            before = done.snapshot
        return number

    def _step(self, step: Step, number: int, before: Snapshot, done: StepTrace) -> None:
        if self.doubts:
            return
        if not step.expect:
            if done.result != "0":
                self.doubts.append(f"step {number}, {step.call}, which prepares the next, gave {done.result}")
            return
        permitted = [outcome for outcome in _judged(step) if outcome.when in {None, self.decided}]
        ending = Ending.SUCCEEDED if done.result == "0" else Ending.FAILED
        self.decided = ending if len(step.endings) > 1 else self.decided
        self.failed |= ending is Ending.FAILED
        if not permitted:
            return
        was = self._locks(before, f"before step {number}")
        now = self._locks(done.snapshot, f"after step {number}, {step.call}")
        if step.call is Call.THREADS:
            permitted = self._in_some_order(step, number, done, now, permitted)
        if self.doubts:
            return
        comparisons = [Comparison(outcome, before, done, was, now, self.modes) for outcome in permitted]
        possible = [comparison for comparison in comparisons if not comparison.mismatches]
        closest = min(comparisons, key=Comparison.distance)
        if not possible:  # whatever was not seen
            endings = {ending, Ending.FAILED} if self.failed else {ending}
            for mismatch in closest.mismatches:
                self._find(number, mismatch, endings)
        if (not possible or all(comparison.unseen for comparison in possible)) and closest.unseen:
            self.doubts.append(closest.unseen)
        self.doubts += _not_shown(step, number, before, done.snapshot)

    def _in_some_order(
        self, step: Step, number: int, done: StepTrace, now: str | None, permitted: list[Outcome]
    ) -> list[Outcome]:
        """Judge the results of calls at the same time; returns the outcomes as some order of the calls permits them."""
        if len(done.results) != len(step.child):
            self.doubts.append(
                f"step {number}, {step.call}, has {len(step.child)} calls, and told of {len(done.results)}"
            )
        if self.doubts:
            return permitted
        ends = ends_of(self.case.locked, self.case.steps, self.case.steps.index(step))
        made = AtOnce(step.child, done.results, now, ends, self._same)
        if (unexplained := made.unexplained()) is not None:
            self._find(number, unexplained)
        self.failed |= any(result != "0" for gave in done.results for result in gave)
        return [made.permitted(outcome) for outcome in permitted]

    def _locks(self, snapshot: Snapshot, when: str) -> str | None:
        """Return the locks, with their modes where the target tells; None: nobody saw them, or there is a doubt."""
        heard = self._heard(snapshot)
        agreed = locks(heard)
        if agreed is None and heard.locked:
            seen = ", ".join(f"{observer} says {strips.compact(strip)}" for observer, strip in heard.locked.items())
            self.doubts.append(f"the observers disagree {when}: {seen}")
        return None if agreed is None else self._same(agreed)

    def _heard(self, snapshot: Snapshot) -> Snapshot:
        """Leave msync out where it is what is tested, and others have seen the locks too."""
        others = {observer: strip for observer, strip in snapshot.locked.items() if observer != Call.MSYNC}
        return replace(snapshot, locked=others) if others and self._tests_msync else snapshot

    @cached_property
    def _tests_msync(self) -> bool:
        return any(step.call is Call.MSYNC and step.expect for step in flatten(self.case.steps))

    def _same(self, strip: str) -> str:
        return strip if self.modes else strip.replace("F", "L")

    def _find(self, step: int, mismatch: Mismatch, endings: Collection[Ending] = ()) -> None:
        requirement = _charged(self.case, self.requirements, mismatch.aspect, endings)
        self.findings.append(
            Finding(
                requirement.id,
                requirement.source,
                requirement.modality,
                mismatch.aspect,
                mismatch.message,
                mismatch.pages,
                step,
                self.execution.number,
                mismatch.seen,
                mismatch.permitted,
                self._fault(),
            )
        )

    def _fault(self) -> str:
        """Name what was made to fail, where it was reached or nothing says that it was not."""
        swept = next((step for step in self.execution.steps if step.fault), None)
        if not self.case.swept or (swept is not None and swept.fault == "not-reached"):
            return ""
        stack = swept.stack if swept else ()
        return call_stack.name(
            self.execution.number, stack, persistent=self.case.persistent, allocation=self.case.allocation
        )
