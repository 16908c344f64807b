# SPDX-License-Identifier: Apache-2.0
"""Cases by targets: what became of each case on each target, and the mark that it has there."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.by_target import by_target, folder
from lockproof.conformance.reports.html.page import Mark
from lockproof.conformance.running import baselines
from lockproof.conformance.running.known import assess
from lockproof.conformance.running.place import place_of
from lockproof.runners.options import apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lockproof.conformance.reports.by_target import TargetResults
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.baselines import KnownIssue
    from lockproof.conformance.running.known import Assessment
    from lockproof.conformance.running.tally import CaseTally

__all__ = ["Matrix", "Seen", "Target", "matrix", "releases", "short"]

_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")

_MARKS = {
    Status.PASS: Mark.PASS,
    Status.FAIL: Mark.FAIL,
    Status.UNRESOLVED: Mark.UNRESOLVED,
    Status.UNSUPPORTED: Mark.UNSUPPORTED,
    Status.UNTESTED: Mark.UNTESTED,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A column."""

    results: TargetResults
    name: str
    label: str
    """As short as it is still told from the others."""

    @property
    def entries(self) -> tuple[CaseTally, ...]:
        """What became of each case."""
        return tuple(entry for entry in self.results.entries if entry.worst.source)

    @property
    def nothing_found_out(self) -> str:
        """Why nothing was found out about it; empty: something was."""
        return next((entry.worst.verdict.reason for entry in self.results.entries if not entry.worst.source), "")

    @property
    def is_kernel(self) -> bool:
        """Whether it is a kernel, as far as is known, and not a model, or a kernel with something in front of it."""
        info = self.results.info
        return info is None or (info.system != "model" and place_of(self.results.target, info) is not None)

    @property
    def has_baseline(self) -> bool:
        """Whether baselines can know of it: they are about kernels."""
        return self.is_kernel and bool(self.results.run.baselines)


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a case on a target."""

    target: Target
    entry: CaseTally
    mark: Mark
    known: tuple[KnownIssue, ...] = ()
    """What its failure is known as."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """All that the page is about."""

    targets: tuple[Target, ...]
    cases: Mapping[str, tuple[Seen | None, ...]]
    """By name, by folder; for each target, None where its run was not asked for the case."""

    def of(self, target: Target) -> Iterator[Seen]:
        """Return what became of the cases on a target."""
        number = self.targets.index(target)
        return (seen for row in self.cases.values() if (seen := row[number]) is not None)


def matrix(runs: Sequence[Run]) -> Matrix:
    """Put runs side by side. Raises UsageError where two have a target of one name."""
    columns = by_target(runs)
    labels = short([column.run.target(column.target) for column in columns])
    targets = _in_order(
        [Target(column, column.run.target(column.target), label) for column, label in zip(columns, labels, strict=True)]
    )
    found = {run.manifest.run: assess(run.baselines, run.tally, run.manifest.info, baselines.today()) for run in runs}
    seen = [
        {each.entry.worst.case: each for each in _seen(target, found[target.results.run.manifest.run])}
        for target in targets
    ]
    names = sorted({name for column in seen for name in column}, key=lambda name: (folder(name), name))
    return Matrix(targets, {name: tuple(column.get(name) for column in seen) for name in names})


def short(names: Sequence[str]) -> list[str]:
    """Return what is behind their last `/`, or, where two are alike in it, names without what they all begin with."""
    if len(names) == 1:
        return list(names)
    leaves = [name.rpartition("/")[2] for name in names]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    common = "".join(letters[0] for letters in alike)
    cut = max(common.rfind("/"), common.rfind(":")) + 1
    return [leaf if leaves.count(leaf) == 1 else name[cut:] for leaf, name in zip(leaves, names, strict=True)]


def releases(targets: Iterable[Target]) -> list[list[Target]]:
    """Return the targets that are releases of one kernel: their names differ in numbers only. The oldest first."""
    found: dict[tuple[object, ...], list[Target]] = defaultdict(list)
    for target in targets:
        info = target.results.info
        if info is not None and target.is_kernel:
            kernel, machine = apart(target.name)  # those on another machine are none of its releases
            found[_VERSION.sub("#", kernel), machine, info.system, info.machine, info.page_size].append(target)
    return [sorted(each, key=_version) for each in found.values() if len(each) > 1]


def _version(target: Target) -> list[int]:
    info = target.results.info
    return [int(part) for part in re.findall("[0-9]+", info.release if info is not None else target.name)]


def _in_order(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return targets as they are given, but the releases of one kernel side by side."""
    series = {each.name: those for those in releases(targets) for each in those}
    ordered = (each for target in targets for each in series.get(target.name, [target]))
    return tuple({each.name: each for each in ordered}.values())


def _seen(target: Target, found: Assessment) -> Iterator[Seen]:
    fixed = {each.case for each in found.fixed if each.target == target.results.target}
    for entry in target.entries:
        case = entry.worst.case
        matches = found.known.get((target.results.target, case), ())
        issues = tuple(match.issue for match in matches)
        yield Seen(target, entry, _mark(entry, known=bool(issues), fixed=case in fixed), issues)


def _mark(entry: CaseTally, *, known: bool, fixed: bool) -> Mark:
    if entry.repetitions == 0:
        return Mark.NOT_RUN
    if entry.status is Status.FAIL and known:
        return Mark.KNOWN
    return Mark.FIXED if entry.status is Status.PASS and fixed else _MARKS[entry.status]
