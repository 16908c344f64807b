# SPDX-License-Identifier: Apache-2.0
"""What a corpus showed on a target, judged of the traces alone: the one way to a certificate, and through it again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.certificates.conclusions import Conclusion, Standing, conclusions, standings
from lockproof.conformance.errors import TargetError
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.judge import judge, locks
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.protocol.trace import Trace, read_trace
from lockproof.conformance.running.results import Result, source_in_corpus
from lockproof.conformance.running.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lockproof.conformance.certificates.statement import Statement
    from lockproof.conformance.judging.verdict import Verdict
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.language.requirements import Profile
    from lockproof.conformance.protocol.trace import Snapshot
    from lockproof.runners.target import TargetInfo

__all__ = ["Evidence", "judged"]

Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the traces of a corpus show."""

    results: tuple[Result, ...]
    """One for each case, in the order of the corpus."""
    standings: tuple[Standing, ...]
    observers_agreed: bool
    taint_after: int | None
    readings: tuple[str, ...]
    """Of the standard, by which they were judged besides those that were decided."""

    @property
    def counts(self) -> Mapping[Status, int]:
        """Count the cases by what became of them."""
        found = Counter(result.verdict.status for result in self.results)
        return {status: found[status] for status in Status}

    @property
    def tally(self) -> Tally:
        """Return the results as reports and comparisons want them."""
        counted = Tally()
        for result in self.results:
            counted.add(result)
        return counted

    def profiles(self, statement: Statement) -> Mapping[Profile, Conclusion]:
        """Return what it comes to, for each profile."""
        return conclusions(self.standings, self.results, statement.disclaims, self.readings)


def judged(
    corpus: Corpus, target: str, info: TargetInfo, traces: Sequence[Lines], seconds: Sequence[float]
) -> Evidence:
    """Judge the traces of a corpus, one for each case in its order; those of cases that could not be run are empty.

    Raises ValueError where lines are no trace, or there are some of a case that the target cannot run.
    """
    results, agreed, taint = [], True, info.taint
    for case, lines, took in zip(corpus.cases, traces, seconds, strict=True):
        try:
            trace = read_trace(lines, len(case.map)) if lines else Trace(())
        except TargetError as error:
            msg = f"{case.name}: {error}"
            raise ValueError(msg) from error
        results.append(_result(case, target, _verdict(case, trace, corpus, info), lines, took))
        agreed = agreed and all(locks(snapshot) is not None for snapshot in _seen(trace))
        taint = trace.taint[1] if trace.taint is not None else taint
    found = standings(corpus.requirements, results)
    return Evidence(
        results=tuple(results),
        standings=found,
        observers_agreed=agreed,
        taint_after=taint,
        readings=corpus.readings,
    )


def _verdict(case: Case, trace: Trace, corpus: Corpus, info: TargetInfo) -> Verdict:
    cannot = unmet(case, info)
    if cannot is None:
        return judge(case, trace, corpus.requirements, modes=info.lock_modes)
    if trace.lines:
        msg = f"{case.name}: a trace, where {cannot.reason}"
        raise ValueError(msg)
    return cannot


def _seen(trace: Trace) -> Iterator[Snapshot]:
    """Yield the snapshots in which more than one observer looked."""
    for execution in trace.executions:
        snapshots = (execution.before, *(step.snapshot for step in execution.steps))
        yield from (each for each in snapshots if each is not None and len(each.locked) > 1)


def _result(case: Case, target: str, verdict: Verdict, lines: Lines, seconds: float) -> Result:
    return Result(
        target=target,
        case=case.name,
        repetition=1,
        verdict=verdict,
        checks=case.checks,
        profile=case.profile,
        source=source_in_corpus(case.name, case.source.line),
        seconds=seconds,
        trace=lines,
    )
