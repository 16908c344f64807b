# SPDX-License-Identifier: Apache-2.0
"""What of a run is known: each failure against what baselines say of its findings, and what got better."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.running import shown
from lockproof.conformance.running.place import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from lockproof.conformance.judging.verdict import Finding
    from lockproof.conformance.running.baselines import Baseline, KnownIssue
    from lockproof.conformance.running.place import Place
    from lockproof.conformance.running.results import Result
    from lockproof.conformance.running.tally import CaseTally, Tally
    from lockproof.runners.target import TargetInfo

__all__ = [
    "Assessment",
    "Fixed",
    "Lost",
    "Match",
    "News",
    "about",
    "assess",
    "known_issues",
    "known_kinds",
    "seen_name",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Match:
    """A finding that is known."""

    issue: KnownIssue
    assumed: bool
    """Whether only Linux's versions say so of a vendor's kernel."""


@dataclass(frozen=True, slots=True)
class News:
    """A failure that is not known, or not in all that it shows."""

    entry: CaseTally
    unknown: tuple[Finding, ...]
    expired: tuple[KnownIssue, ...]
    """What would have excused it until lately."""
    beyond: tuple[KnownIssue, ...] = ()
    """What is known of the case, and shows more now than it ever did."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A case that always showed an issue, and does not any more."""

    target: str
    case: str
    issue: KnownIssue


@dataclass(frozen=True, slots=True)
class Lost:
    """What was seen on this very kernel before, and could not be tried now: who breaks the means hides the issue."""

    target: str
    issue: KnownIssue
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A run, against baselines."""

    known: Mapping[tuple[str, str], tuple[Match, ...]]
    """By target and case: the failures that are no news."""
    news: tuple[News, ...]
    fixed: tuple[Fixed, ...]
    untried: int
    """Cases that always show an issue, and could not be tried."""
    lost: tuple[Lost, ...]

    @property
    def assumed(self) -> int:
        """The number of failures of vendors' kernels that are known of Linux's versions only."""
        return sum(any(match.assumed for match in matches) for matches in self.known.values())

    def is_news(self, *, strict: bool, confirmed: bool = False) -> bool:
        """Tell whether anything deviates that is not known to, or is hidden; `strict`: or does not deviate that is.

        `confirmed`: what is flaky does not count.
        """
        news = [each for each in self.news if not (confirmed and each.entry.is_flaky)]
        return bool(news or self.lost) or (strict and bool(self.fixed))


def known_issues(
    baselines: Sequence[Baseline], result: Result, info: TargetInfo | None, today: date
) -> tuple[Match, ...]:
    """Return what a failure is known as; empty: it is none, or something in it is new."""
    place = place_of(result.target, info) if info is not None else None
    if place is None or result.verdict.status is not Status.FAIL:
        return ()
    found = {finding: _match(baselines, result.case, finding, place, today) for finding in _distinct(result)}
    known = [match for match in found.values() if match is not None]
    return tuple({match.issue.id: match for match in known}.values()) if len(known) == len(found) else ()


def known_kinds(baselines: Sequence[Baseline], target: str, info: TargetInfo, today: date) -> frozenset[str]:
    """Return all that a target is known to show, in any case, each as `requirement:aspect`."""
    place = place_of(target, info)
    if place is None:
        return frozenset()
    issues = (issue for baseline in baselines for issue in baseline.issues)
    return frozenset(issue.finding for issue in issues if today <= issue.expires and issue.is_at(place))


def unknown(baselines: Sequence[Baseline], result: Result, info: TargetInfo | None, today: date) -> tuple[Finding, ...]:
    """Return the first finding of each kind that no baseline knows, or not that it shows this."""
    place = place_of(result.target, info) if info is not None else None
    distinct = _distinct(result) if result.verdict.status is Status.FAIL else []
    new = (each for each in distinct if place is None or not _match(baselines, result.case, each, place, today))
    found: dict[tuple[str, bool], Finding] = {}
    for each in new:
        found.setdefault((each.kind, each.step < 0), each)
    return tuple(found.values())


def assess(baselines: Sequence[Baseline], tally: Tally, info: Mapping[str, TargetInfo], today: date) -> Assessment:
    """Say what of a run is known, what is news, and what got better: each by case, whichever came first."""
    known: dict[tuple[str, str], tuple[Match, ...]] = {}
    news: list[News] = []
    fixed: list[Fixed] = []
    untried = 0
    for (target, case), entry in sorted(tally.cases.items(), key=lambda item: item[0][1]):
        place = place_of(target, info[target]) if target in info else None
        always = [issue for issue, _ in about(baselines, case, place, today) if issue.outcome == "always"]
        if entry.status is Status.FAIL:
            if matches := known_issues(baselines, entry.worst, info.get(target), today):
                known[target, case] = matches
            else:
                news.append(_news(baselines, entry, info.get(target), today))
        kinds = {finding.kind for finding in entry.worst.verdict.findings if finding.step >= 0}
        if entry.status in {Status.FAIL, Status.PASS}:
            fixed += [Fixed(target, case, issue) for issue in always if issue.finding not in kinds]
        elif entry.status is not Status.UNRESOLVED:
            untried += bool(always)
    lost = tuple(each for target in info for each in _lost(baselines, tally, target, info[target], fixed))
    return Assessment(known=known, news=tuple(news), fixed=tuple(fixed), untried=untried, lost=lost)


def _lost(
    baselines: Sequence[Baseline], tally: Tally, target: str, info: TargetInfo, fixed: Sequence[Fixed]
) -> Iterator[Lost]:
    place = place_of(target, info)
    for issue in (issue for baseline in baselines for issue in baseline.issues):
        before = issue.seen.get(seen_name(target))
        if before is None or place is None or before.release != (place.upstream or info.release):
            continue
        entries = [entry for entry in tally.of_target(target) if issue.names(entry.worst.case)]
        accounted = sum(issue.finding in entry.worst.verdict.kinds for entry in entries)
        accounted += sum(each.target == target and each.issue is issue for each in fixed)
        untried = sum(entry.status in {Status.UNTESTED, Status.UNSUPPORTED} for entry in entries)
        if (cases := min(untried, before.count - accounted)) > 0:
            yield Lost(target, issue, cases)


def seen_name(target: str) -> str:
    """Return how a target is called where an issue was seen: debian-6.12 of qemu:debian/6.12."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", target.removeprefix("qemu:")).strip("-")


def _news(baselines: Sequence[Baseline], entry: CaseTally, info: TargetInfo | None, today: date) -> News:
    place = place_of(entry.worst.target, info) if info is not None else None
    found = unknown(baselines, entry.worst, info, today)
    kinds = {finding.kind for finding in found}
    known = [issue for issue, _ in about(baselines, entry.worst.case, place, None) if issue.finding in kinds]
    expired = tuple(issue for issue in known if issue.expires < today)
    return News(entry, found, expired, tuple(issue for issue in known if today <= issue.expires))


def _match(baselines: Sequence[Baseline], case: str, finding: Finding, place: Place, today: date) -> Match | None:
    for baseline in baselines if finding.step >= 0 else ():  # below 0 the kernel itself broke, which nobody expects
        for issue, assumed in about([baseline], case, place, today):
            if issue.finding == finding.kind and shown.excuses(baseline.shown, case, finding):
                return Match(issue, assumed)
    return None


def about(
    baselines: Sequence[Baseline], case: str, place: Place | None, today: date | None
) -> Iterator[tuple[KnownIssue, bool]]:
    """Yield what is known of a case at a place, and whether it is assumed; `today`: without what has expired."""
    if place is None:
        return
    for baseline in baselines:
        for issue in baseline.issues:
            if (today is None or today <= issue.expires) and issue.names(case) and issue.is_at(place):
                yield issue, issue.assumes(place)


def _distinct(result: Result) -> list[Finding]:
    """Return the first finding of each kind that shows something else."""
    found: dict[tuple[str, str], Finding] = {}
    for finding in result.verdict.findings:
        found.setdefault((finding.kind, finding.shown), finding)
    return list(found.values())
