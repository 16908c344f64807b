# SPDX-License-Identifier: Apache-2.0
"""From runs to the facts of the page."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.by_target import folder, leaf
from lockproof.conformance.reports.html import sentences
from lockproof.conformance.reports.html.evidence import evidence, why, written
from lockproof.conformance.reports.html.matrix import matrix
from lockproof.conformance.reports.html.page import (
    Bar,
    CaseCell,
    CaseRow,
    Difference,
    Differences,
    Folder,
    Mark,
    Note,
    Page,
    RunLine,
    TargetRow,
)
from lockproof.conformance.reports.html.releases import changes
from lockproof.conformance.reports.html.requirements import profiles
from lockproof.conformance.reports.words import what_stands_out
from lockproof.conformance.running.differences import LISTS, differences, side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lockproof.conformance.reports.html.matrix import Matrix, Seen, Target
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running import differences as running
    from lockproof.conformance.running.differences import Side
    from lockproof.runners.target import TargetInfo

__all__ = ["gather"]

_VERDICTS = {
    Status.PASS: Mark.PASS,
    Status.FAIL: Mark.FAIL,
    Status.UNRESOLVED: Mark.UNRESOLVED,
    Status.UNSUPPORTED: Mark.UNSUPPORTED,
    Status.UNTESTED: Mark.UNTESTED,
}


_NOTED = {Mark.UNSUPPORTED, Mark.UNTESTED, Mark.NOT_RUN}
_SHOWN = {Mark.FAIL, Mark.KNOWN, Mark.UNRESOLVED, Mark.FIXED}


def gather(runs: Sequence[Run]) -> Page:
    """Return what the page shows of runs. Raises UsageError where two have a target of one name."""
    cases = matrix(runs)
    parts = profiles(runs, cases)
    numbers = {row.name: row.number for part in parts for row in part.rows}
    compared = tuple(_compared(runs))
    changed = {each.case for those in compared for name in _CHANGED for each in those.lists[name]}
    notes = _notes(cases)
    changed |= {name for name, row in cases.cases.items() if any(seen is not None and _is_news(seen) for seen in row)}
    return Page(
        title=sentences.title(cases.targets),
        runs=tuple(_run(run) for run in runs),
        baselines=tuple(dict.fromkeys(each.path.name for run in runs for each in run.baselines)),
        missing=tuple(sentences.missing(runs, cases)),
        targets=tuple(_target(target, cases) for target in cases.targets),
        profiles=parts,
        changes=tuple(changes(cases.targets)),
        folders=tuple(_folders(cases, notes, numbers, changed)),
        notes=tuple(notes.values()),
        written=_written(cases),
        differences=compared,
    )


_CHANGED = ("new failures", "fixed", "changed findings")


def _is_news(seen: Seen) -> bool:
    """Tell whether it is not what the baselines of its run say."""
    return seen.mark is Mark.FIXED or (seen.mark is Mark.FAIL and seen.target.has_baseline)


def _compared(runs: Sequence[Run]) -> Iterator[Differences]:
    """Compare each run with the one before it, where they have targets of the same names."""
    for before, after in pairwise(runs):
        if set(before.manifest.targets).isdisjoint(after.manifest.targets):
            continue
        found = differences(_side(before), _side(after))
        lists = {name.replace("_", " "): tuple(map(_difference, getattr(found, name))) for name in LISTS}
        yield Differences(found.before, found.after, lists, found.remarks)


def _side(run: Run) -> Side:
    return side(run.manifest, run.tally, name=run.name)


def _difference(each: running.Difference) -> Difference:
    return Difference(str(each.pair), each.case, str(each.before or "not run"), str(each.after or "not run"))


def _run(run: Run) -> RunLine:
    manifest = run.manifest
    return RunLine(manifest.run, manifest.started, manifest.lockproof, manifest.corpus, manifest.readings)


def _target(target: Target, cases: Matrix) -> TargetRow:
    info = target.results.info
    entries = target.entries
    stands_out = what_stands_out(info) if info is not None else ""
    return TargetRow(
        name=target.name,
        label=target.label,
        kernel=_kernel(info) if info is not None else "not started",
        observers=", ".join(info.lock_observers) if info is not None else "",
        faults=", ".join(dict.fromkeys(info.faults.values())) if info is not None else "",
        bars=tuple(
            Bar(mark, status, sum(entry.status is status for entry in entries)) for status, mark in _VERDICTS.items()
        ),
        known=_known(target, cases),
        notes=(stands_out,) if stands_out else (),
    )


def _kernel(info: TargetInfo) -> str:
    """Say which kernel it is, and whose package it came in, as far as it came in one."""
    package = f"; {' '.join(info.packaged)}" if info.packaged[0] else ""
    return f"{info.kernel}, {info.page_size // 1024} KiB pages{package}"


def _known(target: Target, cases: Matrix) -> str:
    if not target.has_baseline:
        return ""
    marks = [seen.mark for seen in cases.of(target)]
    known, new, fixed = (marks.count(mark) for mark in (Mark.KNOWN, Mark.FAIL, Mark.FIXED))
    return f"{known} known, {new} new" + (f", {fixed} fixed" if fixed else "")


def _notes(cases: Matrix) -> dict[str, Note]:
    """Return why cases were not tried, what most were not tried for first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for target in cases.targets:
        for seen in cases.of(target):
            if seen.mark in _NOTED:
                counts[why(seen)][target.label] += 1
    return {
        text: Note(text, tuple(by_target.items()))
        for text, by_target in sorted(counts.items(), key=lambda item: -item[1].total())
    }


def _folders(
    cases: Matrix, notes: Mapping[str, Note], numbers: Mapping[str, int], changed: set[str]
) -> Iterator[Folder]:
    note_numbers = {text: number for number, text in enumerate(notes, 1)}
    for name, names in groupby(cases.cases, key=folder):
        yield Folder(name, tuple(_row(case, cases, note_numbers, numbers, changed) for case in names))


def _row(name: str, cases: Matrix, notes: Mapping[str, int], numbers: Mapping[str, int], changed: set[str]) -> CaseRow:
    row = cases.cases[name]
    checks = {check for seen in row if seen is not None for check in seen.entry.worst.checks}
    return CaseRow(
        name=name,
        leaf=leaf(name),
        cells=tuple(_cell(seen, notes) for seen in row),
        requirements=tuple(sorted(numbers[check] for check in checks)),
        changed=name in changed,
        evidence=evidence(row),
    )


def _cell(seen: Seen | None, notes: Mapping[str, int]) -> CaseCell:
    if seen is None:
        return CaseCell(Mark.NOT_ASKED)
    return CaseCell(seen.mark, notes[why(seen)] if seen.mark in _NOTED else 0)


def _written(cases: Matrix) -> dict[str, str]:
    """Return the cases that fail somewhere as they are written, each once, however many combinations it has."""
    found: dict[str, str] = {}
    for name, row in cases.cases.items():
        shown = next((seen for seen in row if seen is not None and seen.mark in _SHOWN), None)
        case = shown.target.results.run.cases.get(name) if shown is not None else None
        if shown is not None and case is not None:
            source = shown.target.results.run.source(shown.entry.worst)
            found[source] = found.get(source) or written(case.source)
    return {source: text for source, text in found.items() if text}
