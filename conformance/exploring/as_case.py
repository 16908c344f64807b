# SPDX-License-Identifier: Apache-2.0
"""A generated case that differs as a case to keep: it ends where it differs, and says what is permitted there."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Literal

from lockproof.conformance.language.case import ANY, Outcome, flatten
from lockproof.conformance.language.fields import ERRNOS, SIGNALS
from lockproof.conformance.language.loading import load_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lockproof.conformance.exploring.naive import Choice
    from lockproof.conformance.exploring.permitted import Divergence
    from lockproof.conformance.language.calls import Call
    from lockproof.conformance.language.case import Case, Step
    from lockproof.conformance.language.requirements import Requirement

__all__ = ["as_case"]


_ANYTHING = Outcome(result=("0", *sorted(ERRNOS | SIGNALS)))
"""Of a step behind which there was no kernel any more."""


def as_case(case: Case, divergence: Divergence, name: str, does: str) -> Case:
    """Return the case up to the step of a divergence; `does`: what that step does, for people."""
    call = list(flatten(case.steps))[divergence.step].call
    catalogue = load_requirements()
    checks = _checks(divergence.requirement, call, catalogue)
    steps = _up_to(divergence, case.steps, len(case.map))
    letters = {*case.map, *(step.region for step in flatten(steps))}
    return replace(
        case,
        name=name,
        about=f"Found by exploring; {call} does {does}.",
        checks=checks,
        profile=catalogue[checks[0]].profile,
        regions={letter: region for letter, region in case.regions.items() if letter in letters},
        steps=steps,
    )


def _checks(broken: str, call: Call, catalogue: Mapping[str, Requirement]) -> tuple[str, ...]:
    """Return what is broken, where anything is, and what else of its profile speaks of what is permitted."""
    if not broken:
        return call.signature.checks
    others = (*call.signature.checks, "linux.failure.no-change")
    profile = catalogue[broken].profile
    return tuple(dict.fromkeys((broken, *(name for name in others if catalogue[name].profile is profile))))


def _up_to(divergence: Divergence, steps: tuple[Step, ...], pages: int) -> tuple[Step, ...]:
    """Return the steps before the one that differs, and it with all that its child does."""
    numbers = count()

    def kept(steps: tuple[Step, ...], last: float) -> Iterator[Step]:
        for step in steps:
            number = next(numbers)
            if number > last:
                return
            child = tuple(kept(step.child, inf if number == divergence.step else last))
            yield replace(step, child=child, expect=tuple(_expected(number, step.call, divergence, pages)))

    return tuple(kept(steps, divergence.step))


def _expected(number: int, call: Call, divergence: Divergence, pages: int) -> Iterator[Outcome]:
    if number == divergence.step and not divergence.choices:
        yield _ANYTHING
    elif number == divergence.step:
        yield from (_outcome(choice, call, pages) for choice in divergence.choices)
    elif (result := divergence.results.get(number, "0")) != "0":
        yield Outcome(result=(result,))


def _outcome(choice: Choice, call: Call, pages: int) -> Outcome:
    if choice.results <= SIGNALS:
        return Outcome(result=tuple(sorted(choice.results)))
    return Outcome(
        result=tuple(sorted(choice.results)),
        locked="".join(_lock(choice, page) for page in range(pages)),
        resident=_resident(choice, pages),
        elsewhere=_elsewhere(choice) if call.signature.everywhere else None,
    )


def _lock(choice: Choice, page: int) -> str:
    if page not in choice.after.mapped:
        return "_"
    if page in choice.open:
        return "?"
    if page not in choice.after.locked:
        return "."
    return "F" if page in choice.on_fault else "L"


def _resident(choice: Choice, pages: int) -> str:
    """Return where pages have to be in memory: where they are locked, unless on fault."""
    eager = choice.after.locked - choice.on_fault - choice.open - choice.after.absent
    if not eager or "0" not in choice.results:
        return ANY
    return "".join("R" if page in eager else "?" for page in range(pages))


def _elsewhere(choice: Choice) -> Literal["all", "none"] | None:
    if choice.after.program is None:
        return None
    return "all" if choice.after.program else "none"
