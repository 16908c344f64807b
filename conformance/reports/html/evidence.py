# SPDX-License-Identifier: Apache-2.0
"""What stands under a row: pictures, those of targets that are equal once; and how to see it oneself."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.reports.html.page import Evidence, Group, Mark
from lockproof.conformance.reports.words import tally_summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lockproof.conformance.errors import Location
    from lockproof.conformance.reports.html.matrix import Seen

__all__ = ["evidence", "why", "written"]

_PICTURED = {Mark.FAIL, Mark.KNOWN, Mark.UNRESOLVED}
_LONGEST_PICTURE = 8192
_LONGEST_LINE = 400
"""Characters."""


def evidence(row: Sequence[Seen | None]) -> Evidence | None:
    """Return what there is to see of a case that fails, is unresolved or fixed somewhere, or rests on a reading."""
    seen = [each for each in row if each is not None and (each.mark in {*_PICTURED, Mark.FIXED} or _resting(each))]
    if not seen:
        return None
    run, result = seen[0].target.results.run, seen[0].entry.worst
    case = run.cases.get(result.case)
    return Evidence(
        about=case.about if case is not None else "",
        groups=_groups(seen),
        source=run.source(result),
        rerun=run.rerun(result),
        repro=_repro(seen[0]),
    )


def why(seen: Seen) -> str:
    """Say in one line why a case is what it is."""
    return _cut(tally_summary(seen.entry), _LONGEST_LINE)


def _groups(seen: Iterable[Seen]) -> tuple[Group, ...]:
    alike: dict[tuple[Mark, str, str], list[Seen]] = {}
    for each in seen:
        alike.setdefault((each.mark, _line(each), _picture(each)), []).append(each)
    return tuple(
        Group(
            ", ".join(each.target.label for each in those),
            mark.word,
            mark,
            line,
            picture,
            tuple({issue.id: issue for each in those for issue in each.known}.values()),
        )
        for (mark, line, picture), those in alike.items()
    )


def _resting(seen: Seen) -> str:
    return seen.entry.worst.verdict.resting


def _line(seen: Seen) -> str:
    """Say what the picture does not show."""
    if seen.mark is Mark.FIXED:
        return "; ".join(("the baseline has it as a failure", *filter(None, (_resting(seen),))))
    entry = seen.entry
    if seen.mark not in _PICTURED:
        return _resting(seen)
    return "" if entry.like_worst == entry.repetitions else f"{entry.like_worst} of {entry.repetitions} repetitions"


def _picture(seen: Seen) -> str:
    if seen.mark not in _PICTURED:
        return ""
    drawn = seen.target.results.run.picture(seen.entry.worst)
    title, _, rows = drawn.partition("\n")
    return _cut(textwrap.dedent(rows) if rows else f"{title.strip()}\n{why(seen)}", _LONGEST_PICTURE)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n… cut; the whole trace is in results.jsonl"


def _repro(seen: Seen) -> str:
    corpus = seen.target.results.run.manifest.cases
    options = f" --cases {shlex.quote(corpus)}" if corpus else ""
    return f"lockproof repro{options} {shlex.quote(seen.entry.worst.case)}"


def written(place: Location) -> str:
    """Return the entry of a case file that stands at a place, as a person wrote it; empty where it cannot be read."""
    try:
        lines = Path(place.file).read_text(encoding="utf-8").splitlines()[place.line - 1 :]
    except (OSError, UnicodeDecodeError):
        return ""
    indent = " " * (place.column - 3)
    end = next((n for n, line in enumerate(lines) if n and line.startswith((f"{indent}- ", f"{indent}#"))), len(lines))
    return textwrap.dedent("\n".join(lines[:end])).strip()
