# SPDX-License-Identifier: Apache-2.0
"""The table of a sweep: what became of the call for each allocation that was made to fail."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.columns import aligned
from lockproof.conformance.protocol import call_stack
from lockproof.conformance.protocol.trace import Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from lockproof.conformance.protocol.trace import Execution, Snapshot

__all__ = ["outcome", "table"]

_MOST_ROWS = 60
_COLUMNS = ("n", "result", "fault", "locks after", "allocation")


class _Row(NamedTuple):
    """What may be alike for neighbouring allocations."""

    breaks: bool
    result: str
    fault: str
    locks: str
    function: str


def outcome(result: str) -> str:
    """Write a result as a system call gives it."""
    return result if result == "0" else f"-1 {result}"


def table(
    executions: Sequence[Execution], failing: Collection[int], draw: Callable[[Snapshot], str]
) -> Iterator[tuple[str, str]]:
    """Return the lines of the table, each with a label; neighbouring allocations of equal lines are one.

    `failing`: the numbers of the executions that break the promise; `draw` writes the locks of a snapshot.
    """
    rows = [
        (group[0][0], group[-1][0], row)
        for row, items in groupby(_rows(executions, failing, draw), key=lambda item: item[1])
        for group in [list(items)]
    ]
    shown = rows
    if len(rows) > _MOST_ROWS:  # what breaks the promise is what must be seen
        shown = [row for row in rows if row[2].breaks][:_MOST_ROWS] or rows[:_MOST_ROWS]
    cells = [_COLUMNS, *((_span(first, last), *row[1:]) for first, last, row in shown)]
    labels = ["sweep", *("breaks" if row.breaks else "" for _, _, row in shown)]
    yield from zip(labels, aligned(cells), strict=True)
    if len(shown) < len(rows):
        yield "", f"… {len(rows) - len(shown)} more lines of this table; the whole trace is in results.jsonl"


def _rows(
    executions: Sequence[Execution], failing: Collection[int], draw: Callable[[Snapshot], str]
) -> Iterator[tuple[int, _Row]]:
    for execution in executions:
        breaks = execution.number in failing
        swept = next((step for step in execution.steps if step.fault), None)
        if swept is None or swept.fault is None:
            yield execution.number, _Row(breaks, _ending(execution), "", "", "")
        else:
            fault = swept.fault.replace("-", " ")
            locks, function = draw(swept.snapshot), call_stack.function(swept.stack)
            yield execution.number, _Row(breaks, outcome(swept.result), fault, locks, function)


def _ending(execution: Execution) -> str:
    return f"died of {execution.signal}" if execution.status is Ended.DIED else f"({execution.status})"


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} to {last}"
