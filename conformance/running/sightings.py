# SPDX-License-Identifier: Apache-2.0
"""What runs tell a baseline: where each known issue was seen last, and entries for what it does not know yet."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.writing import scalar
from lockproof.conformance.running.baselines import UNEXPLAINED
from lockproof.conformance.running.known import about, assess, seen_name
from lockproof.conformance.running.place import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.language.yaml_edits import Fields
    from lockproof.conformance.running.baselines import Baseline, KnownIssue
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.place import Place
    from lockproof.conformance.running.shown import Shown
    from lockproof.conformance.running.tally import Tally

__all__ = ["Addition", "additions", "shown", "sightings"]


def sightings(
    baseline: Baseline, runs: Sequence[tuple[Manifest, Tally]], corpus: Corpus
) -> dict[str, dict[str, Fields | None]]:
    """Return what changes of `seen`, by issue and target; None: it was tried there in full, and not seen.

    A run that has not tried all of an issue's cases does not replace what one that had has seen.
    """
    found: dict[str, dict[str, Fields | None]] = {issue.id: {} for issue in baseline.issues}
    for manifest, tally in runs:
        for target, info in manifest.info.items():
            place = place_of(target, info)
            for issue in baseline.issues if place is not None else ():
                if place is not None and issue.is_at(place):
                    found[issue.id].update(_sighting(issue, manifest, tally, target, place, corpus))
    return {issue.id: changes for issue in baseline.issues if (changes := _changes(issue, found[issue.id]))}


def _changes(issue: KnownIssue, found: Mapping[str, Fields | None]) -> dict[str, Fields | None]:
    """Leave out what stands there already."""
    before = {name: asdict(sighting) for name, sighting in issue.seen.items()}
    return {name: fields for name, fields in found.items() if fields != before.get(name)}


def _sighting(
    issue: KnownIssue, manifest: Manifest, tally: Tally, target: str, place: Place, corpus: Corpus
) -> Iterator[tuple[str, Fields | None]]:
    names = [case.name for case in corpus.cases if issue.names(case.name)]
    entries = [tally.cases[target, name] for name in names if (target, name) in tally.cases]
    failed = [entry for entry in entries if issue.finding in entry.worst.verdict.kinds]
    tried = any(entry.status in {Status.PASS, Status.FAIL} for entry in entries)
    name = seen_name(target)
    if not tried or (len(entries) < len(names) and name in issue.seen):
        return
    if failed:
        release = place.upstream or manifest.info[target].release
        yield name, {"release": release, "run": manifest.run, "count": len(failed)}
    elif name in issue.seen:
        yield name, None


def shown(baseline: Baseline, runs: Sequence[tuple[Manifest, Tally]], today: date) -> Shown:
    """Return what the cases of a baseline show with what runs have seen added, and without what it knows no more."""
    found: dict[str, dict[str, set[str]]] = {}
    for case, kinds in baseline.shown.items():
        for kind, seen in kinds.items():
            if any(issue.finding == kind and issue.names(case) for issue in baseline.issues):
                found.setdefault(case, {})[kind] = set(seen)
    for manifest, tally in runs:
        for worst in (entry.worst for entry in tally.cases.values() if entry.status is Status.FAIL):
            place = place_of(worst.target, manifest.info[worst.target]) if worst.target in manifest.info else None
            known = {issue.finding for issue, _ in about([baseline], worst.case, place, today)}
            for finding in worst.verdict.findings:
                if finding.step >= 0 and finding.kind in known:
                    found.setdefault(worst.case, {}).setdefault(finding.kind, set()).add(finding.shown)
    return {case: {kind: frozenset(seen) for kind, seen in kinds.items()} for case, kinds in found.items()}


@dataclass(slots=True)
class Addition:
    """A deviation that no baseline knows."""

    finding: str
    cases: dict[str, None] = field(default_factory=dict)
    """Their names, in order."""
    where: dict[str, None] = field(default_factory=dict)
    """Where it was seen, as YAML."""

    def text(self, name: str, today: date, corpus: Corpus) -> str:
        """Return its entry, which people have to explain."""
        requirement, _, aspect = self.finding.partition(":")
        mainly = corpus.requirements[requirement].observes[0] == aspect
        lines = [
            f"- id: {name}",
            f"  about: {UNEXPLAINED}",
            f"  url: {UNEXPLAINED}",
            "  cases:",
            *(f"  - {scalar(case)}" for case in self.cases),
            f"  finding: {scalar(requirement if mainly else self.finding)}",
            "  where:",
            *(f"  - {where}" for where in self.where),
            f"  expires: {today.replace(year=today.year + 1, day=min(today.day, 28))}",
        ]
        return "\n".join(lines) + "\n"


def additions(baselines: Sequence[Baseline], runs: Sequence[tuple[Manifest, Tally]], today: date) -> list[Addition]:
    """Return what runs have found that no baseline knows, by finding; not where the kernel broke, or an entry has it.

    It is said of the very kernels that it was seen on: how far it goes is for people to say.
    """
    found: dict[str, Addition] = {}
    for manifest, tally in runs:
        for news in assess(baselines, tally, manifest.info, today).news:
            worst = news.entry.worst
            place = place_of(worst.target, manifest.info[worst.target]) if worst.target in manifest.info else None
            entered = {issue.finding for issue in (*news.expired, *news.beyond)}
            for finding in news.unknown:
                if place is not None and _where(place) and finding.step >= 0 and finding.kind not in entered:
                    new = found.setdefault(finding.kind, Addition(finding.kind))
                    new.cases[worst.case] = None
                    new.where[_where(place)] = None
    return list(found.values())


def _where(place: Place) -> str:
    """Write where a kernel is; empty: nobody could find it again."""
    fields: Mapping[str, str]
    if place.vendor and place.package:
        fields = {"vendor": place.vendor, "package": f"= {place.package}"}
    elif place.upstream:
        fields = {"upstream": f"= {place.upstream}"}
    else:
        fields = {"vendor": place.vendor} if place.vendor else {}
    return f"{{{', '.join(f'{name}: {scalar(value)}' for name, value in fields.items())}}}" if fields else ""
