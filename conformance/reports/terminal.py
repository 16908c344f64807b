# SPDX-License-Identifier: Apache-2.0
"""What a run says on the terminal: pictures as they come, and at the end the counts and what is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from lockproof.conformance.judging.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.running.store import Manifest, Result
    from lockproof.conformance.running.tally import Tally

__all__ = ["STYLES", "closing", "entry"]

STYLES = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.UNRESOLVED: "bold magenta",
    Status.UNSUPPORTED: "yellow",
    Status.UNTESTED: "yellow",
}
_PICTURED = {Status.FAIL, Status.UNRESOLVED}


def entry(result: Result, *, verbose: bool) -> Text | None:
    """Give what is said when a result comes: a picture of what needs looking at, a line for others if `verbose`."""
    status = result.verdict.status
    if status in _PICTURED:
        return _pictured(result)
    if not verbose:
        return None
    reason = f"  {result.summary}" if result.summary else ""
    return Text.assemble((f"{status:<11}", STYLES[status]), f" {result.target}  {result.case}{reason}")


def _pictured(result: Result) -> Text:
    status = result.verdict.status
    if not result.picture:
        return Text.assemble(
            (f"{status}", STYLES[status]), f" {result.target}  {result.case}\n  reason    {result.summary}\n"
        )
    title, _, rest = result.picture.partition("\n")
    return Text.assemble(title.removesuffix(status), (status, STYLES[status]), f"\n{rest}\n")


def closing(tally: Tally, manifest: Manifest, requirements: Mapping[str, Requirement]) -> Iterator[RenderableType]:
    """Give the last lines of a run: counts by target, then the requirements that each target breaks."""
    table = Table("target", box=None, pad_edge=False, header_style="bold")
    table.add_column("kernel", no_wrap=True)
    for status in Status:
        table.add_column(Text(status, STYLES[status]), justify="right")
    for target in manifest.targets:
        info = manifest.info.get(target)
        kernel = (
            f"{info['system']} {info['release']} {info['machine']}, {info['page_size'] // 1024} KiB"
            if info
            else "not started"
        )
        counts = ((tally.count(target, status), STYLES[status]) for status in Status)
        table.add_row(target, kernel, *(Text(str(count), style if count else "dim") for count, style in counts))
    yield table
    for target in manifest.targets:
        broken = tally.broken(target)
        if broken:
            yield Text(f"\n{target} breaks:", "bold")
        for name, requirement in requirements.items():
            if name not in broken:
                continue
            cases = broken[name]
            yield Text.assemble(
                "  ",
                (name, STYLES[Status.FAIL]),
                f" ({requirement.modality}; {requirement.source}): "
                f"{len(cases)} case{'s' if len(cases) > 1 else ''}, such as {cases[0]}",
            )
