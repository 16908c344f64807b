# SPDX-License-Identifier: Apache-2.0
"""`lockproof show` and `lockproof runs`: what is on disk of earlier runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.columns import aligned
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.errors import StoreError, UsageError, suggest
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.selection import described, matches
from lockproof.conformance.reports.run import read
from lockproof.conformance.reports.words import tally_summary
from lockproof.conformance.running.store import read_run_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.tally import CaseTally

__all__ = ["RunsRequest", "ShowRequest", "runs", "show"]

_NEEDS_LOOKING_AT = {Status.FAIL, Status.UNRESOLVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRequest:
    """What the user asked for."""

    run: str
    selection: tuple[str, ...]
    """Cases; empty: those that failed or could not be found out."""
    results: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsRequest:
    """What the user asked for."""

    results: Path


def show(request: ShowRequest) -> Printed:
    """Draw what became of cases in a run. Raises UsageError where it has none of that name, StoreError."""
    run = read(request.results, request.run)
    entries = list(run.tally.cases.values())
    if not request.selection:
        chosen = [entry for entry in entries if entry.status in _NEEDS_LOOKING_AT]
        return Printed("\n\n".join(_drawn(run, entry) for entry in chosen) or "Nothing failed.")
    _check(request, entries)
    chosen = [entry for entry in entries if any(matches(entry.worst.case, each) for each in request.selection)]
    return Printed("\n\n".join(_drawn(run, entry) for entry in chosen))


def _check(request: ShowRequest, entries: Sequence[CaseTally]) -> None:
    names = {entry.worst.case for entry in entries}
    for pattern in request.selection:
        if not any(matches(name, pattern) for name in names):
            msg = f"case {pattern!r}: run {request.run} has none that is called so; {suggest(pattern, names)}"
            raise UsageError(msg)


def _drawn(run: Run, entry: CaseTally) -> str:
    head = f"{entry.worst.target}: {tally_summary(entry)}".rstrip(": ")
    return "\n".join((head, run.picture(entry.worst)))


def runs(request: RunsRequest) -> Printed:
    """List the runs in a folder, the newest last."""
    rows, unreadable = [], []
    for path in sorted(request.results.glob("*/run.json")):
        try:
            manifest = read_run_manifest(path)
        except StoreError as error:
            unreadable.append(f"{error}")
        else:
            rows.append((path.parent.name, manifest.started, _extent(manifest), ", ".join(manifest.targets)))
    if not rows and not unreadable:
        return Printed(f"No run is in {request.results}/ yet.")
    return Printed("\n".join(aligned(rows)), remark="\n".join(unreadable))


def _extent(manifest: Manifest) -> str:
    """Say how much of everything a run is."""
    if manifest.finished is None:
        return "partial: ended early"
    asked = described(manifest.selection, manifest.sweeps)
    return f"partial: {asked:.40}" if asked else "complete"
