# SPDX-License-Identifier: Apache-2.0
"""A run's results, case by case: what the repetitions of a case come to, and what the run as a whole does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.running.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.exit_codes import Style
    from lockproof.conformance.running.events import Event

__all__ = ["CaseTally", "Tally"]

# A deviation that was seen once is a deviation; what was never seen is no PASS.
_WORST_FIRST = (Status.FAIL, Status.UNRESOLVED, Status.UNTESTED, Status.UNSUPPORTED, Status.PASS)


@dataclass(slots=True)
class CaseTally:
    """A case on a target: the worst of its repetitions stands for all."""

    worst: Result
    repetitions: int = 1
    like_worst: int = 1
    """Repetitions with the status of the worst."""
    passed: int = 0
    """Repetitions that passed."""
    unresolved: int = 0
    """Repetitions that the suite could not find out about, also where another one is worse."""
    seconds: float = 0.0

    @property
    def status(self) -> Status:
        """What became of the case."""
        return self.worst.verdict.status

    @property
    def is_flaky(self) -> bool:
        """Whether it fails sometimes, and passes sometimes: a word of its own, as it is neither."""
        return self.status is Status.FAIL and bool(self.passed)


@dataclass(slots=True)
class Tally:
    """All cases of a run; its size depends on the number of cases, not of repetitions."""

    cases: dict[tuple[str, str], CaseTally] = field(default_factory=dict)
    """By target and case name, in the order in which their first results came."""

    def listen(self, event: Event) -> None:
        """Count the results that the engine tells."""
        if isinstance(event, Result):
            self.add(event)

    def add(self, result: Result) -> None:
        """Count one more result."""
        unresolved = int(result.verdict.status is Status.UNRESOLVED)
        passed = int(result.verdict.status is Status.PASS)
        entry = self.cases.get((result.target, result.case))
        if entry is None:
            self.cases[result.target, result.case] = CaseTally(
                result, passed=passed, unresolved=unresolved, seconds=result.seconds
            )
            return
        entry.repetitions += 1
        entry.passed += passed
        entry.unresolved += unresolved
        entry.seconds += result.seconds
        rank, worst = _WORST_FIRST.index(result.verdict.status), _WORST_FIRST.index(entry.status)
        if rank < worst:
            entry.worst, entry.like_worst = result, 1
        elif rank == worst:
            entry.like_worst += 1

    def of_target(self, target: str) -> Iterator[CaseTally]:
        """Return the cases of one target."""
        return (entry for (name, _), entry in self.cases.items() if name == target)

    def count(self, target: str, status: Status) -> int:
        """Count the cases of a target with a status."""
        return sum(entry.status is status for entry in self.of_target(target))

    def broken(self, target: str) -> dict[str, list[str]]:
        """Return the requirements that a target was seen to break, each with its cases by name."""
        found: dict[str, list[str]] = {}
        for entry in sorted(self.of_target(target), key=lambda entry: entry.worst.case):
            for requirement in dict.fromkeys(finding.requirement for finding in entry.worst.verdict.findings):
                if entry.status is Status.FAIL:
                    found.setdefault(requirement, []).append(entry.worst.case)
        return found

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that there are results of, in the order in which their first ones came."""
        return tuple(dict.fromkeys(target for target, _ in self.cases))

    def has_evidence(self, target: str) -> bool:
        """Whether anything was found out about a target: something passed, or something failed."""
        return any(entry.status in {Status.PASS, Status.FAIL} for entry in self.of_target(target))

    @property
    def fails(self) -> bool:
        """Whether anything deviates."""
        return any(entry.status is Status.FAIL for entry in self.cases.values())

    def exit_code(self, style: Style, *, fails: bool) -> int:
        """Return the exit code of the run; `fails`: whether anything deviates that was not known to.

        Of a target all of whose cases were skipped nothing is known: beside others, that is a doubt.
        """
        evidence = {self.has_evidence(target) for target in self.targets}
        unresolved = any(entry.unresolved for entry in self.cases.values()) or len(evidence) > 1
        return style.of_run(fails=fails, unresolved=unresolved, skipped=evidence == {False})
