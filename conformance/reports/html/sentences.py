# SPDX-License-Identifier: Apache-2.0
"""What the page says in words: what is broken where, and what it cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.counted import counted
from lockproof.conformance.language.selection import described
from lockproof.conformance.reports.html.page import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.conformance.reports.html.matrix import Matrix, Target
    from lockproof.conformance.reports.html.page import RequirementRow
    from lockproof.conformance.reports.run import Run

__all__ = ["missing", "profile_sentence", "title"]

_BROKEN = {Mark.FAIL, Mark.KNOWN}
_UNTRIED = {Mark.UNTESTED, Mark.UNSUPPORTED, Mark.NOT_RUN, Mark.NOT_ASKED}


def title(targets: Sequence[Target]) -> str:
    """Name the page."""
    return f"POSIX memory locks on {targets[0].name if len(targets) == 1 else _all(targets)}"


def _all(targets: Sequence[Target]) -> str:
    kernels = sum(target.is_kernel for target in targets)
    others = len(targets) - kernels
    if not kernels:
        return counted(others, "target")
    return counted(kernels, "kernel") + (f" and {counted(others, 'other target')}" if others else "")


def profile_sentence(rows: Sequence[RequirementRow], targets: Sequence[Target]) -> str:
    """Say how many requirements of a profile are broken on how many kernels; of targets where there is no kernel."""
    chosen = [number for number, target in enumerate(targets) if target.is_kernel] or list(range(len(targets)))
    noun = "kernels" if targets[chosen[0]].is_kernel else "targets"
    marks = [[row.cells[number].mark for number in chosen] for row in rows]
    broken_on_all = sum(_BROKEN.issuperset(row) for row in marks)
    broken = sum(not _BROKEN.isdisjoint(row) for row in marks)
    untested = sum(_UNTRIED.issuperset(row) for row in marks)
    unresolved = sum(Mark.UNRESOLVED in row and _BROKEN.isdisjoint(row) for row in marks)
    one = len(chosen) == 1
    everywhere = "" if one else f" on all {len(chosen)} {noun}" if len(chosen) > 2 else f" on both {noun}"  # noqa: PLR2004
    if not broken:
        said = f"none of {counted(len(rows), 'requirement')} broken{'' if one else f' on any of {len(chosen)} {noun}'}"
    elif broken_on_all:
        said = f"{broken_on_all} of {counted(len(rows), 'requirement')} broken{everywhere}"
        said += f", {broken - broken_on_all} on some" if broken > broken_on_all else ""
    else:
        said = f"{broken} of {counted(len(rows), 'requirement')} broken on some of {len(chosen)} {noun}"
    said += f"; {unresolved} unresolved" if unresolved else ""
    return said + (f"; {untested} untested" if untested else "")


def missing(runs: Sequence[Run], cases: Matrix) -> Iterator[str]:
    """Yield what the page cannot say, and why."""
    for run in runs:
        manifest = run.manifest
        if asked := described(manifest.selection, manifest.sweeps):
            of = f"{len(run.cases)} of {counted(len(run.corpus.cases), 'case')}" if run.cases else "some cases"
            yield f"Run {manifest.run} was asked for {asked} only, which is {of}."
        if run.tally.cases and not run.cases:
            yield f"The cases have changed since run {manifest.run}: there are no pictures of it."
    for target in cases.targets:
        if target.results.info is None:
            yield f"{target.name} was not started: nothing is known of it."
            continue
        not_run = sum(seen.mark is Mark.NOT_RUN for seen in cases.of(target))
        if not_run:
            yield (
                f"Run {target.results.run.manifest.run} ended early: on {target.name} "
                f"{not_run} of {counted(len(target.entries), 'case')} were not run."
            )
        elif target.nothing_found_out:
            yield f"{target.name}: {target.nothing_found_out}."
    if len(runs) > 1:
        not_asked = sum(None in row for row in cases.cases.values())
        if not_asked:
            yield f"{counted(not_asked, 'case was', 'cases were')} not asked of every target."
