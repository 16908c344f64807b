# SPDX-License-Identifier: Apache-2.0
"""An interpretation of the standard as people read it: the question, its answers, and which one is taken, and why."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

from lockproof.conformance.language.interpretations import reading_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.interpretations import Interpretation

__all__ = ["interpretation_lines"]

_WIDTH = 100


def interpretation_lines(found: Interpretation, cases: Sequence[Case]) -> Iterator[str]:
    """Yield the lines of an interpretation; `cases`: all of its corpus."""
    yield found.id
    yield from _wrapped("  ", found.question)
    yield ""
    for section, clause in found.text.items():
        yield from _wrapped("  ", f"{section}: “{clause}”")
    yield ""
    for choice, text in found.readings.items():
        taken = " (decided)" if choice == found.decided else ""
        yield from _wrapped("  ", f"{reading_of(found.id, choice)}{taken}: {text}")
    yield ""
    width = max(map(len, found.systems))
    for system, text in found.systems.items():
        yield from _wrapped(f"  {system:<{width}}  ", text)
    yield ""
    yield from _wrapped("  Why: ", found.because)
    yield ""
    turning = [case for case in cases if found.id in case.readings]
    checks = dict.fromkeys(check for case in turning for check in case.checks)
    number = (
        "1 case turns on it, which checks" if len(turning) == 1 else f"{len(turning)} cases turn on it, which check"
    )
    yield from _wrapped("  ", f"{number} {', '.join(checks)}:")
    for written, combinations in groupby(turning, key=lambda case: case.name.partition("[")[0]):
        names = [case.name for case in combinations]
        yield f"    {names[0]}" if len(names) == 1 else f"    {written}[…], {len(names)} combinations"


def _wrapped(start: str, text: str) -> list[str]:
    """Wrap a text; all lines begin below the first one's text."""
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
