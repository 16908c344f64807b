# SPDX-License-Identifier: Apache-2.0
"""Which release of a kernel changed what, in words."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from lockproof.conformance.counted import counted
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.html.matrix import releases, short
from lockproof.conformance.reports.html.page import Change
from lockproof.conformance.running.differences import differences, side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lockproof.conformance.reports.html.matrix import Target
    from lockproof.conformance.running.differences import Difference, Seen, Side

__all__ = ["changes"]

_TRIED = {Status.PASS, Status.FAIL}


def changes(targets: Iterable[Target]) -> Iterator[Change]:
    """Yield what each release of a kernel did to what the one before it did; where nothing, several at once."""
    for those in releases(targets):
        names = short([target.name for target in those])
        steps = pairwise(zip(those, names, strict=True))
        found = [change for (before, old), (after, new) in steps for change in _changes(before, after, old, new)]
        for sentence, alike in groupby(found, key=lambda change: "" if change.cases else change.sentence):
            each = list(alike)
            if not sentence or len(each) == 1:
                yield from each
            else:
                between = ", ".join(change.after for change in each[:-1])
                yield Change(each[0].before, each[-1].after, f"{sentence}, nor in {between} between")


def _changes(before: Target, after: Target, old: str, new: str) -> Iterator[Change]:
    was, now = _side(before), _side(after)
    found = differences(was, now)
    pair = (before.label, new)
    for requirement, cases in _by_requirement(found.new_failures, lambda each: each.after):
        in_cases = counted(len(cases), "case")
        yield Change(*pair, f"{new} breaks it in {in_cases} that {old} passes", requirement, cases)
    for requirement, cases in _by_requirement(found.fixed, lambda each: each.before):
        in_cases = counted(len(cases), "case")
        yield Change(*pair, f"{new} keeps it in {in_cases} that {old} fails", requirement, cases)
    if found.changed_findings:
        cases = tuple(each.case for each in found.changed_findings)
        yield Change(*pair, f"{new} fails {counted(len(cases), 'case')} in another way than {old}", "", cases)
    newly = tuple(each.case for each in found.new_cases if each.after is not None and each.after.status is Status.FAIL)
    if newly:
        yield Change(*pair, f"{new} fails {counted(len(newly), 'case')} that {old} could not be tried in", "", newly)
    if not (found.new_failures or found.fixed or found.changed_findings or newly):
        both = _tried(was) & _tried(now)
        if both:
            yield Change(*pair, f"nothing changed in {counted(len(both), 'case')} that both were tried in")


def _side(target: Target) -> Side:
    return side(target.results.run.manifest, target.results.run.tally, target=target.results.target)


def _tried(one: Side) -> set[str]:
    return {case for seen in one.targets.values() for case, each in seen.items() if each.status in _TRIED}


def _by_requirement(
    found: Sequence[Difference], which: Callable[[Difference], Seen | None]
) -> list[tuple[str, tuple[str, ...]]]:
    """Group cases by the requirements that were found broken in them, those of most cases first."""
    cases: dict[str, list[str]] = defaultdict(list)
    for each in found:
        seen = which(each)
        for requirement in dict.fromkeys(finding.partition(":")[0] for finding in (seen.findings if seen else ())):
            cases[requirement].append(each.case)
    return sorted(((name, tuple(those)) for name, those in cases.items()), key=lambda item: -len(item[1]))
