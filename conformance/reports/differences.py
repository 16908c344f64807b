# SPDX-License-Identifier: Apache-2.0
"""What differs between runs, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.running.differences import LISTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.conformance.running.differences import Difference, Differences
    from lockproof.conformance.running.variations import Variation

__all__ = ["difference_lines", "title", "variation_lines"]


def title(name: str) -> str:
    """Return what a list of differences is called."""
    return name.replace("_", " ")


def difference_lines(found: Differences) -> Iterator[str]:
    """Yield what was compared, the six lists, and what was left out."""
    for pair in found.pairs:
        yield f"{found.before} {pair.before} → {found.after} {pair.after}"
    for name in LISTS:
        each: tuple[Difference, ...] = getattr(found, name)
        yield f"\n{title(name)}: {len(each) or 'none'}"
        several = len(found.pairs) > 1
        yield from _alike([(f"{one.pair}  {one.case}" if several else one.case, _what(one)) for one in each])
    if found.remarks:
        yield ""
        yield from found.remarks


def _alike(cases: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield a line for each case; those of which the same is to be said stand below it."""
    groups: dict[str, list[str]] = {}
    for case, what in cases:
        groups.setdefault(what, []).append(case)
    for what, names in groups.items():
        yield f"  {f'{names[0]}: ' if len(names) == 1 else ''}{what}"
        yield from (f"    {name}" for name in names if len(names) > 1)


def _what(each: Difference) -> str:
    before, after = each.before, each.after
    if before is None:
        return f"{after}"
    if after is None:
        return f"was {before}"
    if before.status is Status.FAIL and after.status is Status.FAIL:
        return f"{', '.join(after.findings)} instead of {', '.join(before.findings)}"
    return f"{after}, was {before}"


def variation_lines(found: Sequence[Variation], runs: Sequence[str]) -> Iterator[str]:
    """Yield what is not deterministic, that which differs in words only last."""
    yield f"{', '.join(runs)}"
    kinds = (("varies in verdict or findings", False), ("varies in words only", True))
    for what, in_words in kinds:
        those = [each for each in found if each.in_words is in_words]
        yield f"\n{what}: {len(those) or 'none'}"
        for one in those:
            yield f"  {one.target}  {one.case}"
            for sight in one.sights:
                share = f", {sight.share}" if sight.share else ""
                yield f"    {sight.seen}{share} in {', '.join(sight.runs)}"
