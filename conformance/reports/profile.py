# SPDX-License-Identifier: Apache-2.0
"""Where the time of a run went: by target, the entries of the case files that took most of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.columns import aligned
from lockproof.conformance.counted import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.running.tally import CaseTally, Tally

__all__ = ["profiled"]

_MOST = 12


@dataclass(slots=True)
class _Cost:
    """What an entry came to."""

    name: str
    cases: int = 0
    seconds: float = 0.0

    def add(self, entry: CaseTally) -> None:
        """Count one of its cases, with all its repetitions."""
        self.cases += 1
        self.seconds += entry.seconds


def profiled(tally: Tally) -> Iterator[str]:
    """Yield lines: of each target the seconds of its cases in all, and the entries that took most, the costly first.

    Wall-clock seconds of each case, that of lockproof included; what ran side by side is counted side by side.
    """
    for target in tally.targets:
        costs: dict[str, _Cost] = {}
        for entry in tally.of_target(target):
            name = entry.worst.case.partition("[")[0]
            costs.setdefault(name, _Cost(name)).add(entry)
        ranked = sorted(costs.values(), key=lambda cost: (-cost.seconds, cost.name))
        total = sum(cost.seconds for cost in ranked)
        cases = counted(sum(cost.cases for cost in ranked), "case")
        yield f"\n{target}: {total:.1f} s in {cases}"
        yield from aligned([_cells(cost, total) for cost in ranked[:_MOST]])
        if rest := ranked[_MOST:]:
            others = counted(len(rest), "other entry", "other entries")
            yield f"  {sum(cost.seconds for cost in rest):.1f} s in {others}"


def _cells(cost: _Cost, total: float) -> tuple[str, ...]:
    share = f"{100 * cost.seconds / total:.0f} %" if total else ""
    return (f"  {cost.name}", f"{cost.seconds:.1f} s", share, counted(cost.cases, "case"))
