# SPDX-License-Identifier: Apache-2.0
"""Which cases a user means by CASE: a full name, the leading part of one, or a pattern with * and ?."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from lockproof.conformance.errors import UsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.conformance.language.case import Case

__all__ = ["Sweeps", "described", "matches", "select"]

Sweeps = Literal["full", "quick", "none"]
"""How much of the sweeps is meant: all, of each entry its first combination, or none."""


def select(cases: Sequence[Case], patterns: Sequence[str], sweeps: Sweeps = "full") -> tuple[Case, ...]:
    """Return the cases that a pattern names, in their order; without patterns all of them.

    A pattern is a full name, a leading part of it that ends at / or [, or has * and ?. Raises UsageError where one
    names no case, or where `sweeps` leaves none.
    """
    chosen = tuple(with_sweeps(_named(cases, patterns), sweeps))
    if not chosen and cases:
        msg = "all cases that are asked for are sweeps; leave out --no-sweeps"
        raise UsageError(msg)
    return chosen


def described(patterns: Sequence[str], sweeps: Sweeps) -> str:
    """Say which cases that is; empty: all."""
    said = {"full": "", "quick": " with quick sweeps", "none": " without sweeps"}[sweeps]
    return f"{' '.join(patterns) or 'all cases'}{said}" if patterns or said else ""


def with_sweeps(cases: Sequence[Case], sweeps: Sweeps) -> Iterator[Case]:
    """Yield cases, with all sweeps, the first combination of each, or none."""
    entries: set[str] = set()
    for case in cases:
        entry = case.name.partition("[")[0]
        if not case.swept or sweeps == "full" or (sweeps == "quick" and entry not in entries):
            yield case
        if case.swept:
            entries.add(entry)


def _named(cases: Sequence[Case], patterns: Sequence[str]) -> tuple[Case, ...]:
    if not patterns:
        return tuple(cases)
    chosen = {pattern: [case for case in cases if matches(case.name, pattern)] for pattern in patterns}
    for pattern, found in chosen.items():
        if not found:
            stems = {case.name.partition("[")[0] for case in cases}
            known = stems | {stem.rpartition("/")[0] for stem in stems}
            msg = f"case {pattern!r}: no case is called so; {suggest(pattern, known)} (lockproof cases lists them)"
            raise UsageError(msg)
    wanted = {case.name for found in chosen.values() for case in found}
    return tuple(case for case in cases if case.name in wanted)


def matches(name: str, pattern: str) -> bool:
    """Tell whether a pattern means the case of a name."""
    stem = pattern.rstrip("/")
    # In names [ stands for itself; only * and ? are wild.
    return name == stem or name.startswith((f"{stem}/", f"{stem}[")) or fnmatchcase(name, pattern.replace("[", "[[]"))
