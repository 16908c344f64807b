# SPDX-License-Identifier: Apache-2.0
"""What is permitted after a call as a condition in C, of what the function `see` has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.language import strips
from lockproof.conformance.language.case import ANY, UNCHANGED
from lockproof.conformance.repro.lines import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.language.case import Outcome, Step

__all__ = ["check"]

_LONG = 40  # pages


def check(step: Step, *, modes: bool) -> Iterator[str]:
    """Write what is permitted, an outcome a line; `modes`: whether locks on fault are told from eager ones."""
    first, *others = (_condition(outcome, modes=modes) for outcome in step.expect)
    lines = [f"wrong |= !(({first})", *(f"({other})" for other in others)]
    whole = f"{' || '.join(lines)});"
    yield from [whole] if len(whole) < WIDTH else [*(f"{line} ||" for line in lines[:-1]), f"\t   {lines[-1]});"]


def _condition(outcome: Outcome, *, modes: bool) -> str:
    parts = []
    if ANY not in outcome.result:
        errors = " || ".join("!e" if result == "0" else f"e == {result}" for result in outcome.result)
        parts.append(f"({errors})" if " " in errors and errors != "!e" else errors)
    if outcome.locked == UNCHANGED:
        parts.append("like(now, was)")
    elif outcome.locked != ANY:
        parts.append(_like("now", outcome.locked if modes else outcome.locked.replace("F", "L")))
    if outcome.resident != ANY:
        parts.append(_like("in", outcome.resident))
    if outcome.mappings == UNCHANGED:
        parts.append("like(at, before)")
    return " && ".join(parts) or "1"


def _like(name: str, strip: str) -> str:
    """Compare a strip; a long one run by run. In a text of C, ?? could be the beginning of a trigraph."""
    if len(strip) <= _LONG:
        text = strip.replace("??", "?\\?")
        return f'like({name}, "{text}")'
    return " && ".join(
        f'strspn({name} + {first}, "{page}") >= {count}' for page, first, count in strips.runs(strip) if page != "?"
    )
