# SPDX-License-Identifier: Apache-2.0
"""Baselines as a side of a comparison: what would be seen if everything were as it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.running.differences import Seen, Side, seen
from lockproof.conformance.running.known import about
from lockproof.conformance.running.place import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.running.baselines import Baseline, KnownIssue
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.tally import CaseTally, Tally

__all__ = ["expected_anywhere", "expected_of"]

_ANYWHERE = "anywhere"


def expected_of(baseline: Baseline, manifest: Manifest, tally: Tally, today: date) -> Side:
    """Return what a baseline expects of the targets and cases of a run.

    It says nothing of what the run could not try, unless that is known to fail always; and what may pass is expected
    to do what it did.
    """
    targets: dict[str, dict[str, Seen]] = {target: {} for target in manifest.targets}
    for (target, case), entry in tally.cases.items():
        info = manifest.info.get(target)
        place = place_of(target, info) if info is not None else None
        known = [issue for issue, _ in about([baseline], case, place, today)]
        targets[target][case] = _expected(entry, known)
    return Side(name=str(baseline.path), targets=targets)


def _expected(entry: CaseTally, known: list[KnownIssue]) -> Seen:
    now = seen(entry)
    issues = [issue for issue in known if issue.outcome == "always" or issue.finding in now.findings]
    if issues:
        return _fails(issues)
    return Seen(Status.PASS) if now.status in {Status.PASS, Status.FAIL} else now


def expected_anywhere(baseline: Baseline, corpus: Corpus) -> Side:
    """Return what a baseline expects of each case somewhere, whatever kernel that is, and whatever has expired."""
    cases = {
        case.name: _fails(issues)
        if (issues := [issue for issue in baseline.issues if issue.names(case.name)])
        else Seen(Status.PASS)
        for case in corpus.cases
    }
    return Side(name=str(baseline.path), targets={_ANYWHERE: cases})


def _fails(issues: Iterable[KnownIssue]) -> Seen:
    issues = list(issues)
    said = ", ".join(dict.fromkeys(issue.id for issue in issues))
    return Seen(Status.FAIL, tuple(sorted({issue.finding for issue in issues})), f"known as {said}")
