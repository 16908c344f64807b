# SPDX-License-Identifier: Apache-2.0
"""By which readings of the standard a case is judged.

An outcome that carries a reading is permitted only where that one is taken; a case is loaded with the outcomes of one
reading of each interpretation on which it turns, and keeps those of the others beside them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lockproof.conformance.language.interpretations import reading_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lockproof.conformance.language.case import Case, Step

__all__ = ["others", "read_by", "turned_on"]


def turned_on(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return the interpretations on which steps turn, each once."""
    return tuple(dict.fromkeys(name for name, _ in _named(steps)))


def _named(steps: tuple[Step, ...]) -> Iterator[tuple[str, str]]:
    for step in steps:
        for outcome in step.expect:
            if outcome.reading is not None:
                name, _, choice = outcome.reading.partition("=")
                yield name, choice
        yield from _named(step.child)


def read_by(case: Case, choices: Mapping[str, str]) -> Case:
    """Return a case as it is judged by a choice for each interpretation on which it turns."""
    if not case.written:
        return case
    readings = {name: choices[name] for name in turned_on(case.written)}
    return replace(case, steps=_permitted(case.written, readings), readings=readings)


def others(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield a case as it is by each other reading of one interpretation on which it turns, with the id of that."""
    for name, choice in dict.fromkeys(_named(case.written)):
        if choice != case.readings[name]:
            yield name, read_by(case, {**case.readings, name: choice})


def _permitted(steps: tuple[Step, ...], readings: Mapping[str, str]) -> tuple[Step, ...]:
    """Return steps with the outcomes that the readings permit, which then depend on none any more."""
    taken = {None, *(reading_of(name, choice) for name, choice in readings.items())}
    return tuple(
        replace(
            step,
            child=_permitted(step.child, readings),
            expect=tuple(replace(outcome, reading=None) for outcome in step.expect if outcome.reading in taken),
        )
        for step in steps
    )
