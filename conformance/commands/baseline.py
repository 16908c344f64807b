# SPDX-License-Identifier: Apache-2.0
"""`lockproof baseline`: look through what is known to deviate, and bring it up to date with what runs have seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.columns import aligned
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.counted import counted
from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import write_whole
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.yaml_edits import edited
from lockproof.conformance.running import baselines
from lockproof.conformance.running.shown import as_text, file_of
from lockproof.conformance.running.sightings import additions, shown, sightings
from lockproof.conformance.running.store import read_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.running.baselines import Baseline, KnownIssue
    from lockproof.conformance.running.shown import Shown
    from lockproof.conformance.running.sightings import Addition

__all__ = ["CheckRequest", "UpdateRequest", "check", "update"]

_NEW = "# SPDX-License-Identifier: Apache-2.0\n# Known deviations; see docs/baselines.md.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What the user asked for."""

    baselines: tuple[Path, ...]
    """Empty: all in the folder of results."""
    results: Path
    cases: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRequest:
    """What the user asked for."""

    runs: tuple[str, ...]
    baselines: tuple[Path, ...]
    """Empty: all in the folder of results."""
    results: Path
    cases: Path | None = None


def check(request: CheckRequest) -> Printed:
    """List what is known; 1 where something has expired. Raises UsageError, CaseFileError."""
    corpus = baselines.vocabulary(load(request.cases), request.cases)
    found = baselines.load(_files(request), corpus)
    expired = any(issue.expires < baselines.today() for baseline in found for issue in baseline.issues)
    return Printed("\n".join(_listed(found, corpus)), int(expired))


def _listed(found: Sequence[Baseline], corpus: Corpus) -> Iterator[str]:
    for baseline in found:
        yield f"{baseline.path}: {len(baseline.issues)} known"
        yield from aligned([(f"  {issue.id}", *_cells(issue, corpus)) for issue in baseline.issues])


def _cells(issue: KnownIssue, corpus: Corpus) -> tuple[str, ...]:
    cases = sum(issue.names(case.name) for case in corpus.cases)
    expired = issue.expires < baselines.today()
    seen = f"seen on {counted(len(issue.seen), 'target')}" if issue.seen else "never seen"
    until = f"expired on {issue.expires}, excuses nothing" if expired else f"until {issue.expires}"
    return issue.finding, counted(cases, "case"), until, seen


def update(request: UpdateRequest) -> Printed:
    """Write into baselines what runs have seen; all but what changes stays as it is. Raises UsageError, StoreError."""
    corpus = baselines.vocabulary(load(request.cases), request.cases)
    found = [baselines.existing(path, corpus) for path in _files(request)]
    runs = [read_run(request.results, run) for run in request.runs]
    new = additions(found, runs, baselines.today())
    lines = []
    for baseline in found:
        before = baseline.path.read_text(encoding="utf-8") if baseline.path.exists() else ""
        changes = sightings(baseline, runs, corpus)
        changed = edited(before, "seen", changes)
        added = "".join(_entries(baseline, new, corpus)) if len(found) == 1 else ""
        after = f"{changed or (_NEW if added else '')}{added}"
        if after != before:
            write_whole(baseline.path, after, "name a file in a folder where you may write")
        more = _write_shown(baseline, shown(baseline, runs, baselines.today()))
        lines.append(f"{baseline.path}: {_told(changes, new if len(found) == 1 else [])}{more}")
    if new and len(found) > 1:
        lines.append(f"{len(new)} findings that nobody knows; name one file with --baseline to put them there")
    return Printed("\n".join(lines))


def _write_shown(baseline: Baseline, seen: Shown) -> str:
    """Keep what the cases of a baseline show, and say how much of it is new, which is for people to look at."""
    if seen == baseline.shown:
        return ""
    path = file_of(baseline.path)
    write_whole(path, as_text(seen), "name a baseline in a folder where you may write")
    before = _findings(baseline.shown)
    more, gone = len(_findings(seen) - before), len(before - _findings(seen))
    return f"; {path.name}: {counted(more, 'finding')} more{f', {gone} fewer' if gone else ''}"


def _findings(seen: Shown) -> set[tuple[str, str, str]]:
    return {(case, kind, each) for case, kinds in seen.items() for kind, found in kinds.items() for each in found}


def _told(changes: Mapping[str, object], new: Sequence[Addition]) -> str:
    added = f", {len(new)} new, which {'has' if len(new) == 1 else 'have'} to be explained" if new else ""
    return f"{len(changes) or 'none'} seen otherwise than before{added}"


def _entries(baseline: Baseline, new: Sequence[Addition], corpus: Corpus) -> Iterator[str]:
    taken = {issue.id for issue in baseline.issues}
    for each in new:
        stem = f"{baseline.path.stem}-{each.finding.partition(':')[0]}".lower().replace(".", "-")
        number = next(number for number in range(1, len(taken) + 2) if _numbered(stem, number) not in taken)
        taken.add(_numbered(stem, number))
        yield "\n" + each.text(_numbered(stem, number), baselines.today(), corpus)


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"


def _files(request: CheckRequest | UpdateRequest) -> tuple[Path, ...]:
    folder = request.results / "baselines"
    found = request.baselines or tuple(sorted(folder.glob("*.yaml")))
    if not found:
        msg = f"{folder}: no baseline there; name one with --baseline"
        raise UsageError(msg)
    return found
