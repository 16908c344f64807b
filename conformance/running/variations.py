# SPDX-License-Identifier: Apache-2.0
"""What is not deterministic: cases that runs which should be the same have seen differently."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lockproof.conformance.running.differences import Seen, seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lockproof.conformance.running.tally import CaseTally, Tally

__all__ = ["Variation", "variations"]


@dataclass(frozen=True, slots=True)
class Sight:
    """How a case was seen in some of the runs."""

    runs: tuple[str, ...]
    seen: Seen
    share: str
    """Where not all repetitions of it were so: `2 of 5 repetitions`."""


@dataclass(frozen=True, slots=True)
class Variation:
    """A case that is not seen in one way."""

    target: str
    case: str
    sights: tuple[Sight, ...]
    in_words: bool
    """Whether verdict and findings are the same, and only what is said of them differs: pages, allocations, order."""

    def as_json(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        sights = [{"runs": list(each.runs), "share": each.share} | each.seen.as_json() for each in self.sights]
        return {"target": self.target, "case": self.case, "in_words": self.in_words, "seen": sights}


def variations(runs: Mapping[str, Tally]) -> tuple[Variation, ...]:
    """Return the cases that were not seen in one way by all the runs, by name, that have tried them."""
    keys = sorted({key for tally in runs.values() for key in tally.cases})
    return tuple(_varying(runs, *keys))


def _varying(runs: Mapping[str, Tally], *keys: tuple[str, str]) -> Iterator[Variation]:
    for target, case in keys:
        entries = {name: tally.cases[target, case] for name, tally in runs.items() if (target, case) in tally.cases}
        alike = _alike(entries)
        shares = any(entry.like_worst != entry.repetitions for entry in entries.values())
        if len(alike) > 1 or shares:
            sights = tuple(_sight(names, entries[names[0]]) for names in alike)
            ways = {(sight.seen.status, sight.seen.findings) for sight in sights}
            yield Variation(target, case, sights, in_words=len(ways) == 1 and not shares)


def _alike(entries: Mapping[str, CaseTally]) -> Sequence[tuple[str, ...]]:
    """Group runs by what they saw."""
    groups: list[list[str]] = []
    for name, entry in entries.items():
        for group in groups:
            other = entries[group[0]]
            if (entry.worst.verdict, _share(entry)) == (other.worst.verdict, _share(other)):
                group.append(name)
                break
        else:
            groups.append([name])
    return [tuple(group) for group in groups]


def _sight(names: tuple[str, ...], entry: CaseTally) -> Sight:
    found = entry.worst.verdict.findings  # a PASS has some too, of what is unspecified
    was = seen(entry)
    return Sight(names, replace(was, said=str(found[0])) if found else was, _share(entry))


def _share(entry: CaseTally) -> str:
    if entry.like_worst == entry.repetitions:
        return ""
    return f"{entry.like_worst} of {entry.repetitions} repetitions"
