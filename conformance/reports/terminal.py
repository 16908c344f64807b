# SPDX-License-Identifier: Apache-2.0
"""What a run says on the terminal: pictures as they come, and at the end the counts and what is broken."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from lockproof.conformance.counted import counted
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.picture import of_result
from lockproof.conformance.reports.words import summary, tally_summary, why_nothing_was_found_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.known import Assessment
    from lockproof.conformance.running.results import Result
    from lockproof.runners.target import TargetInfo

__all__ = ["STYLES", "assessed", "closing", "entry"]

STYLES = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.UNRESOLVED: "bold magenta",
    Status.UNSUPPORTED: "yellow",
    Status.UNTESTED: "yellow",
}
_Row = list[tuple[str, str]]
"""Cells of a table, each a text and its style."""
_GAP = "  "
_NAMES = 2
"""Columns before those of the counts."""
_YARDSTICK = "model:posix"
_PICTURED = {Status.FAIL, Status.UNRESOLVED}


def entry(result: Result, case: Case, info: TargetInfo | None, *, verbose: bool) -> Text | None:
    """Say what became of a case: a picture of what needs looking at, a line for others if `verbose`.

    `info`: what the target can do; None: it was not started.
    """
    status = result.verdict.status
    if status in _PICTURED:
        return _pictured(result, case, info)
    if not verbose:
        return None
    reason = f"  {said}" if (said := summary(result.verdict)) else ""
    return Text.assemble((f"{status:<11}", STYLES[status]), f" {result.target}  {result.case}{reason}")


def _pictured(result: Result, case: Case, info: TargetInfo | None) -> Text:
    status = result.verdict.status
    if info is None:
        reason = summary(result.verdict)
        return Text.assemble((f"{status}", STYLES[status]), f" {result.target}  {result.case}\n  reason    {reason}\n")
    drawn = of_result(result, case, info)
    return Text.assemble(drawn.title, (status, STYLES[status]), "\n", "\n".join(drawn.rows), "\n")


def closing(run: Run, width: int) -> Iterator[RenderableType]:
    """Yield the last lines of a run: counts by target, those of which nothing was found out, and what each breaks.

    `width`: columns of the terminal.
    """
    yield from _counts(run, width)
    for target in run.tally.targets:
        if not run.tally.has_evidence(target):
            why = why_nothing_was_found_out(run.tally, target)
            yield Text.assemble(f"\n{target}: ", ("nothing was found out", STYLES[Status.UNRESOLVED]), f"; {why}")
    for target in run.manifest.targets:
        yield from _broken(run, target)
    yield from _readings(run)
    flaky = [entry for entry in run.tally.cases.values() if entry.is_flaky]
    if flaky:
        yield Text(f"\nflaky, neither PASS nor FAIL for certain: {len(flaky)}", STYLES[Status.UNRESOLVED])
    for entry in flaky:
        yield Text(f"  {entry.worst.target}  {entry.worst.case}: {tally_summary(entry)}")


def _counts(run: Run, width: int) -> Iterator[Text]:
    """Yield the counts of all targets: a table, or below each other where it is wider than the terminal."""
    head: _Row = [("target", "bold"), ("kernel", "bold"), *((status, f"bold {STYLES[status]}") for status in Status)]
    rows = [_row(run, target) for target in run.manifest.targets]
    widths = [max(cell_len(text) for text, _ in column) for column in zip(head, *rows, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        yield from (_line(row, widths) for row in (head, *rows))
        return
    for number, (target, kernel, *counts) in enumerate(rows):
        yield Text.assemble("\n" * (number > 0), (target[0], "bold"), f"\n  {kernel[0]}")
        named = [((f"{status} ", style), (count, style)) for status, (count, style) in zip(Status, counts, strict=True)]
        line = Text(_GAP).join(Text.assemble(*each) for each in named)
        if len(_GAP) + line.cell_len <= width:
            yield Text.assemble(_GAP, line)
        else:
            yield from (
                Text.assemble(f"{_GAP}{status:<11} ", each) for status, each in zip(Status, counts, strict=True)
            )


def _row(run: Run, target: str) -> _Row:
    info = run.manifest.info.get(target)
    kernel = f"{info.kernel}, {info.page_size // 1024} KiB" if info else "not started"
    counts = [(run.tally.count(target, status), STYLES[status]) for status in Status]
    return [(target, ""), (kernel, ""), *((str(count), style if count else "dim") for count, style in counts)]


def _line(row: _Row, widths: Sequence[int]) -> Text:
    """Write a line of the table; counts stand at the right of their columns."""
    cells = []
    for number, ((text, style), width) in enumerate(zip(row, widths, strict=True)):
        blanks = " " * (width - cell_len(text))
        cells.append(Text.assemble((text, style), blanks) if number < _NAMES else Text.assemble(blanks, (text, style)))
    return Text(_GAP).join(cells)


def _broken(run: Run, target: str) -> Iterator[Text]:
    broken = run.tally.broken(target)
    if broken:
        more = " (cases are measured by it; these may permit too little)" if target == _YARDSTICK else ""
        yield Text(f"\n{target} breaks{more}:", "bold")
    for name, requirement in run.corpus.requirements.items():
        if name in broken:
            cases = broken[name]
            yield Text.assemble(
                "  ",
                (name, STYLES[Status.FAIL]),
                f" ({requirement.modality}; {requirement.source}): {counted(len(cases), 'case')}, such as {cases[0]}",
            )


def _readings(run: Run) -> Iterator[Text]:
    """Yield by which readings of the standard a run was judged, and how many verdicts rest on each."""
    if run.manifest.readings:
        yield Text(f"\njudged by {', '.join(run.manifest.readings)}")
    resting = Counter(reading for entry in run.tally.cases.values() for reading in entry.worst.verdict.rests_on)
    if resting:
        yield Text("\nresting on a reading of the standard (lockproof explain --interpretations):")
    for reading, number in sorted(resting.items()):
        yield Text(f"  {reading}: {counted(number, 'verdict')}")


def assessed(found: Assessment, *, verbose: bool) -> Iterator[str]:
    """Yield what baselines say of a run: what is known, what is news, and what got better, each pass if `verbose`."""
    assumed = f" ({found.assumed} assumed, of vendors' kernels by Linux's versions)" if found.assumed else ""
    yield f"\n{counted(len(found.known), 'known deviation')}{assumed}, {len(found.news) or 'none'} new"
    issues = {match.issue.id: match.issue for matches in found.known.values() for match in matches}
    for issue in issues.values():
        if issue.fixed_by:
            yield f"  {issue.id} is mended in Linux by {', '.join(issue.fixed_by)}"
    for news in found.news:
        what = "; ".join(map(str, news.unknown)) or tally_summary(news.entry)
        was = "".join(f"; {issue.id} excused it until it expired on {issue.expires}" for issue in news.expired)
        more = "".join(f"; more than {issue.id} is known to show" for issue in news.beyond)
        yield f"  {news.entry.worst.target}  {news.entry.worst.case}: {what}{was}{more}"
    if found.fixed:
        yield counted(len(found.fixed), "unexpected pass", "unexpected passes") + (
            ":" if verbose else "; --verbose lists them"
        )
    for fixed in found.fixed if verbose else ():
        yield f"  {fixed.target}  {fixed.case}: {fixed.issue.id} is not seen any more"
    for lost in found.lost:
        cases = counted(lost.cases, "case")
        yield f"{lost.target}: {cases} showed {lost.issue.id} on this kernel, and could not be tried"
    if found.untried:
        yield f"{counted(found.untried, 'known deviation')} could not be tried"
