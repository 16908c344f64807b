# SPDX-License-Identifier: Apache-2.0
"""Cases that no kernel can satisfy together: they do the same, and what one permits the other forbids.

Two cases do the same also where they differ in how many pages of a kind lie beside each other, unless a limit counts
them.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, groupby
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import Problem
from lockproof.conformance.language.case import ANY, UNCHANGED, Case, flatten
from lockproof.conformance.language.fields import DONE
from lockproof.conformance.language.requirements import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lockproof.conformance.language.case import Outcome, Range, Step
    from lockproof.conformance.language.requirements import Requirement

__all__ = ["contradictions"]

_OPEN = "?"


def contradictions(cases: Sequence[Case], requirements: Mapping[str, Requirement]) -> Iterator[Problem]:
    """Find pairs of cases that bind and contradict each other, in order of the second."""
    alike: dict[object, list[_Reduced]] = {}
    for case in cases:
        if any(requirements[name].modality is Modality.SHALL for name in case.checks):
            reduced = _reduced(case)
            alike.setdefault(reduced.situation, []).append(reduced)
    for some in alike.values():
        for first, second in combinations(some, 2):
            for number, (ours, theirs) in enumerate(zip(first.permitted, second.permitted, strict=True)):
                if what := _contradiction(ours, theirs):
                    name, other = second.case.name, first.case.name
                    said = f"{name}: does the same as {other}, and no kernel can satisfy both: in step {number} {what}"
                    yield Problem(second.case.source, "expect", said)


class _Permitted(NamedTuple):
    """An outcome, its strips with one character for each column."""

    results: frozenset[str] | None
    """None: any."""
    locked: str | None
    resident: str | None
    elsewhere: str | None


class _Reduced(NamedTuple):
    """A case, with all pages that are alike in everything and beside each other as one column."""

    case: Case
    situation: object
    """What it does, and in what setting; to be compared."""
    permitted: tuple[tuple[_Permitted, ...], ...]
    """For each step."""


def _reduced(case: Case) -> _Reduced:
    steps = list(flatten(case.steps))
    letters = {letter: f"{number}" for number, letter in enumerate(dict.fromkeys(case.map)) if letter != "_"}
    strips = [case.map, case.locked, *(_pages(named, len(case.map)) for step in steps for named in _ranges(step))]
    outcomes = [[_permitted(case, number, outcome) for outcome in step.expect] for number, step in enumerate(steps)]
    expected = [strip for some in outcomes for one in some for strip in (one.locked, one.resident) if strip is not None]
    columns = _columns(case, [*strips, *expected])
    situation = (
        "".join(letters.get(case.map[page], "_") for page in columns),
        tuple(_at(strip, columns) for strip in strips[1:]),
        tuple((letters.get(letter, letter), repr(region)) for letter, region in case.regions.items()),
        case.limits,
        case.privilege,
        case.closing,
        tuple(_done(step, letters) for step in case.steps),
    )
    permitted = tuple(
        tuple(one._replace(locked=_at(one.locked, columns), resident=_at(one.resident, columns)) for one in some)
        for some in outcomes
    )
    return _Reduced(case, situation, permitted)


def _ranges(step: Step) -> list[Range]:
    return [named for named in (step.range, step.to) if named is not None]


def _pages(named: Range, pages: int) -> str:
    return named.pages if len(named.pages) == pages else _OPEN * pages


def _columns(case: Case, strips: list[str]) -> list[int]:
    """Return the pages that are not like the one before them, or all where their number matters."""
    pages = range(len(case.map))
    if case.limits.memlock is not None or case.limits.memory is not None:
        return list(pages)
    return [next(run) for _, run in groupby(pages, lambda page: [strip[page] for strip in strips])]


def _at(strip: str | None, columns: list[int]) -> str | None:
    return None if strip is None else "".join(strip[page] for page in columns)


def _done(step: Step, letters: Mapping[str, str]) -> object:
    """Return what a step does but for its pages and what is expected of it."""
    ranges = tuple((named.start, named.end, named.length) for named in _ranges(step))
    child = tuple(_done(inner, letters) for inner in step.child)
    region = letters.get(step.region, step.region) if step.region else None
    return replace(step, range=None, to=None, expect=(), child=(), region=region), ranges, child


def _permitted(case: Case, step: int, outcome: Outcome) -> _Permitted:
    """Return an outcome.

    What is `unchanged` is known before the first step only, what is `done` at the same time not as one strip.
    """
    locked = case.locked if outcome.locked == UNCHANGED and step == 0 else outcome.locked
    return _Permitted(
        None if ANY in outcome.result else frozenset(outcome.result),
        None if locked in {ANY, UNCHANGED, DONE} else locked,
        None if outcome.resident in {ANY, DONE} else outcome.resident,
        None if outcome.locks_elsewhere in {ANY, UNCHANGED} else outcome.locks_elsewhere,
    )


def _contradiction(ours: Sequence[_Permitted], theirs: Sequence[_Permitted]) -> str:
    """Say what two lists of outcomes contradict each other in; empty: in nothing."""
    if not ours or not theirs:
        return ""
    errors, others = _errors(ours), _errors(theirs)
    if errors and others and not errors & others:
        return f"one permits the errors {_list(errors)}, the other {_list(others)}"
    if any(_compatible(one, other) for one in ours for other in theirs):
        return ""
    return "no outcome of one is an outcome of the other"


def _errors(outcomes: Sequence[_Permitted]) -> frozenset[str]:
    """Return the errors that are permitted; none where any is."""
    if any(outcome.results is None for outcome in outcomes):
        return frozenset()
    return frozenset(result for outcome in outcomes for result in outcome.results or ()) - {"0"}


def _list(errors: frozenset[str]) -> str:
    return " and ".join(sorted(errors))


def _compatible(one: _Permitted, other: _Permitted) -> bool:
    if one.results is not None and other.results is not None and not one.results & other.results:
        return False
    if one.elsewhere is not None and other.elsewhere is not None and one.elsewhere != other.elsewhere:
        return False
    return _fits(one.locked, other.locked) and _fits(one.resident, other.resident)


def _fits(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return True
    return all(a == b or _OPEN in {a, b} for a, b in zip(one, other, strict=True))
