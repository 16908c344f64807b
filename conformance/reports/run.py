# SPDX-License-Identifier: Apache-2.0
"""What reports are made of: runs, each with its manifest, its results case by case, and the cases themselves."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.selection import select
from lockproof.conformance.protocol.trace import Ended
from lockproof.conformance.reports.picture import picture, row
from lockproof.conformance.running import baselines
from lockproof.conformance.running.known import known_issues
from lockproof.conformance.running.manifest import corpus_digest
from lockproof.conformance.running.results import Result, source_in_corpus
from lockproof.conformance.running.store import read_run
from lockproof.conformance.running.tally import CaseTally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.protocol.trace import Trace
    from lockproof.conformance.running.baselines import Baseline, KnownIssue
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.tally import Tally

__all__ = ["Run", "read"]

_MOST_LINES = 200
_LONGEST_LINE = 1000
"""Characters."""


@dataclass(frozen=True)
class Run:
    """A run as reports see it."""

    manifest: Manifest
    tally: Tally
    corpus: Corpus
    name: str = ""
    """What its targets are told by from those of another run; empty: by their own names alone."""
    baselines: tuple[Baseline, ...] = ()
    """What is known of its targets."""

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        """The cases that ran, by name; none where they have changed since: nothing can be drawn of them any more."""
        try:
            selected = select(self.corpus.cases, self.manifest.selection, self.manifest.sweeps)
        except UsageError:  # a case that was asked for by name is gone
            return {}
        return {case.name: case for case in selected} if corpus_digest(selected) == self.manifest.corpus else {}

    def target(self, name: str) -> str:
        """Return how a report of several runs names a target of this one."""
        return f"{self.name}:{name}" if self.name else name

    def entries(self, target: str) -> Iterator[CaseTally]:
        """Yield what became of each case on a target, those that did not run as UNRESOLVED with 0 repetitions.

        Raises UsageError where nobody can tell which are missing: the run ended early, and its cases have changed.
        """
        done = {entry.worst.case: entry for entry in self.tally.of_target(target)}
        if self.manifest.finished is None and not self.cases:
            msg = f"run {self.manifest.run!r}: it ended early, and its cases have changed since; start a new run"
            raise UsageError(msg)
        yield from done.values()
        if self.manifest.finished is None:
            yield from (_not_run(case, target) for name, case in self.cases.items() if name not in done)

    def known(self, entry: CaseTally) -> KnownIssue | None:
        """Return the known issue that a failure is, the first where it is several; None: something in it is news."""
        return next(iter(self.known_issues(entry)), None)

    def known_issues(self, entry: CaseTally) -> tuple[KnownIssue, ...]:
        """Return all known issues that a failure is; none where something in it is news."""
        info = self.manifest.info.get(entry.worst.target)
        found = known_issues(self.baselines, entry.worst, info, baselines.today())
        return tuple(match.issue for match in found)

    def trace(self, result: Result) -> Trace | None:
        """Return the trace of a case; None: its lines are none, or cannot be read as the case has changed since."""
        case = self.cases.get(result.case)
        try:
            return result.evidence(case) if case is not None else None
        except TargetError:
            return None

    def picture(self, result: Result) -> str:
        """Draw what became of a case, or say in a line why that cannot be."""
        info, case, trace = self.manifest.info.get(result.target), self.cases.get(result.case), self.trace(result)
        if info is not None and case is not None and trace is not None:
            return _bounded(str(picture(case, trace, result.verdict, info)).split("\n"))
        if not result.source:
            why = "it is about all cases"
        elif info is None:
            why = "the target was not started"
        elif case is None:
            why = "the cases have changed since"
        else:
            why = "what was kept of it is no trace"
        return row("picture", f"none: {why}")

    def hung(self, result: Result) -> bool:
        """Tell whether something hung in a case: a process, or the whole kernel."""
        trace = self.trace(result)
        if trace is None:
            return False
        return any(execution.status is Ended.HUNG for execution in trace.executions) or (
            trace.crash is not None and trace.crash.hung
        )

    def origin(self, result: Result) -> Iterator[str]:
        """Yield the last lines of a picture: what the case checks, where it stands, how it is run again."""
        if result.source:
            yield row("checks", ", ".join(result.checks))
            yield row("case", self.source(result))
        yield row("rerun", self.rerun(result))

    def source(self, result: Result) -> str:
        """Return file and line of a case: of those that lockproof brings along as they are called in its sources."""
        if self.manifest.cases is not None:
            return result.source
        return source_in_corpus(result.case, result.source.rpartition(":")[2])

    def rerun(self, result: Result) -> str:
        """Return the command that runs a case again, to be pasted into a shell."""
        words = ["--cases", self.manifest.cases] if self.manifest.cases else []
        words += [word for reading in self.manifest.readings for word in ("--reading", reading)]
        if not result.source and self.manifest.sweeps != "full":
            words += ["--no-sweeps"] if self.manifest.sweeps == "none" else ["--sweeps", self.manifest.sweeps]
        words += ["-t", result.target, *([result.case] if result.source else self.manifest.selection)]
        return shlex.join(["lockproof", "run", *words])


def _bounded(lines: list[str]) -> str:
    """Return the lines of a picture as reports have them, which are for many cases: not too many, and none too long."""
    shown = [line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in lines[:_MOST_LINES]]
    if more := len(lines) - len(shown):
        shown.append(row("", f"… {more} more lines; the whole trace is in results.jsonl"))
    return "\n".join(shown)


def _not_run(case: Case, target: str) -> CaseTally:
    missing = Result(
        target=target,
        case=case.name,
        repetition=1,
        verdict=Verdict(Status.UNRESOLVED, "it was not run: the run ended before"),
        checks=case.checks,
        profile=case.profile,
        source=f"{case.source.file}:{case.source.line}",
        seconds=0.0,
    )
    return CaseTally(missing, repetitions=0, like_worst=0, unresolved=1)


def read(results: Path, asked: str, known: Sequence[Path] = ()) -> Run:
    """Read a run: its name below `results`, or its folder; with NAME= before it, what its targets are told by.

    `known`: baselines.

    Raises UsageError where there is no such run, StoreError where it cannot be read.
    """
    name, named, path = asked.rpartition("=")
    if not named or Path(asked).exists() or (results / asked).exists():
        name, path = "", asked
    manifest, tally = read_run(results, path)
    cases = manifest.cases_path
    corpus = load(cases).read_by(manifest.readings)
    found = baselines.load(known, baselines.vocabulary(corpus, cases)) if known else ()
    return Run(manifest, tally, corpus, name, found)
