# SPDX-License-Identifier: Apache-2.0
"""What became of one target, as reports have it that are lists of cases: by folder, in one order, under safe names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError
from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.conformance.reports.words import why_nothing_was_found_out
from lockproof.conformance.running.results import Result
from lockproof.conformance.running.tally import CaseTally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.conformance.reports.run import Run
    from lockproof.runners.target import TargetInfo

__all__ = ["TargetResults", "by_target", "folder", "labels", "leaf", "plain_name"]

_EVIDENCE = "evidence/found"
"""Stands for a case where nothing was found out about a target."""
_UNSAFE = re.compile("[^A-Za-z0-9_]+")
_NO_NAME = re.compile(r"[^A-Za-z0-9_/\[\]=,.-]+")


@dataclass(frozen=True, slots=True)
class TargetResults:
    """A target of a run, and what became of it."""

    run: Run
    target: str
    label: str
    """A name for it of letters, digits, `-` and `_` only, its own among those of a report."""
    entries: tuple[CaseTally, ...]
    """One for each case, by folder and name; and one more, UNRESOLVED, where nothing was found out about the target."""

    @property
    def info(self) -> TargetInfo | None:
        """What it can do; None: it was never started."""
        return self.run.manifest.info.get(self.target)

    def folders(self) -> Iterator[tuple[str, list[CaseTally]]]:
        """Yield the folders of cases, and what became of those in each."""
        for name, entries in groupby(self.entries, key=lambda entry: folder(entry.worst.case)):
            yield name, list(entries)


def folder(case: str) -> str:
    """Return the folders and the file of a case, as its name begins with them."""
    return case.partition("[")[0].rpartition("/")[0]


def leaf(case: str) -> str:
    """Return the rest of a case's name."""
    return case.removeprefix(f"{folder(case)}/")


def plain_name(case: str) -> str:
    """Return the name of a case with `-` for what cannot be in one: then somebody has changed the results."""
    return "/".join(part if part.strip(".") else "-" for part in _NO_NAME.sub("-", case).split("/"))


def by_target(runs: Sequence[Run]) -> tuple[TargetResults, ...]:
    """Return the targets of runs, in their order.

    Raises UsageError where two runs have a target of one name, or nobody can tell what one of them has not run.
    """
    whose: dict[str, Run] = {}
    for run in runs:
        for target in run.manifest.targets:
            name = run.target(target)
            if name in whose:
                first, second = whose[name].manifest.run, run.manifest.run
                msg = (
                    f"runs {first!r} and {second!r}: both have a target {name}; write a name of your own before each, "
                    f"such as a={first}, and the targets of that run are called a:{target}"
                )
                raise UsageError(msg)
            whose[name] = run
    found = labels(list(whose))
    return tuple(_of_target(run, target, found[run.target(target)]) for run in runs for target in run.manifest.targets)


def _of_target(run: Run, target: str, label: str) -> TargetResults:
    entries = sorted(run.entries(target), key=lambda entry: (folder(entry.worst.case), entry.worst.case))
    if not run.tally.has_evidence(target) and not any(entry.unresolved for entry in entries):
        entries.append(_no_evidence(run, target))
    return TargetResults(run, target, label, tuple(entries))


def _no_evidence(run: Run, target: str) -> CaseTally:
    """Say of a target of which every case was skipped that nothing is known: to readers, skips are a success."""
    ran = any(run.tally.of_target(target))
    why = why_nothing_was_found_out(run.tally, target) if ran else "no case was run"
    verdict = Verdict(Status.UNRESOLVED, f"nothing was found out; {why}")
    nothing = Result(
        target=target, case=_EVIDENCE, repetition=1, verdict=verdict, checks=(), profile="", source="", seconds=0.0
    )
    return CaseTally(nothing, repetitions=0, like_worst=0, unresolved=1)


def labels(names: Sequence[str]) -> dict[str, str]:
    """Return for each name of a target one of letters, digits, `-` and `_` only, its own among them."""
    found: dict[str, str] = {}
    for name in names:
        plain = _UNSAFE.sub("-", name.replace(".", "_")).strip("-") or "target"
        label, number = plain, 2
        while label in found.values():
            label, number = f"{plain}-{number}", number + 1
        found[name] = label
    return found
