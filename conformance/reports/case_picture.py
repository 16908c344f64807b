# SPDX-License-Identifier: Apache-2.0
"""A case as a picture, before it has run: layout, locks, calls, and what each call may do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import ANY
from lockproof.conformance.reports.picture import asked, drawn, row, setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lockproof.conformance.language.case import Case, Outcome, Step
    from lockproof.conformance.language.requirements import Requirement

__all__ = ["show"]

_WIDTH = 100


def show(case: Case, requirements: Mapping[str, Requirement]) -> str:
    """Draw a case."""
    lines = [
        case.name,
        *textwrap.wrap(case.about, _WIDTH, initial_indent="  ", subsequent_indent="  "),
        f"  {case.source.file}:{case.source.line}",
        *(f"  checks {requirements[name]}" for name in case.checks),
        "",
        *setting(case),
        row("before", drawn(case.locked)),
        *_steps(case.steps, ""),
    ]
    return "\n".join(lines)


def _steps(steps: tuple[Step, ...], indent: str) -> Iterator[str]:
    for step in steps:
        if step.fault:
            yield row("fault", step.fault)
        yield row(indent + step.call, asked(step))
        if step.call is Call.THREADS:
            yield from (row(f"thread: {call.call}", asked(call)) for call in step.child)
        else:
            yield from _steps(step.child, "thread: " if step.call is Call.THREAD else "child: ")
        if not step.expect:
            yield row("", "", "has to succeed, for the next step")
        for outcome in step.expect:
            yield from _outcome(outcome)


def _outcome(outcome: Outcome) -> Iterator[str]:
    results = " or ".join(outcome.result) + (f", where it {outcome.when} before" if outcome.when else "")
    locked = "" if outcome.locked == ANY else drawn(outcome.locked)
    yield row("permitted", locked, f"→ {results}")
    if outcome.resident != ANY:
        yield row("resident", drawn(outcome.resident))
    aspects = {
        "elsewhere": outcome.elsewhere or ANY,
        "mappings": outcome.mappings,
        "accounting": outcome.accounting,
        "mlocked": outcome.mlocked,
        "vm-areas": outcome.vm_areas,
        "page-faults": outcome.page_faults,
    }
    for name, word in aspects.items():
        if word != ANY:
            yield row("", "", f"{name}: {word}")
