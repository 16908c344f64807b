# SPDX-License-Identifier: Apache-2.0
"""Requirements by targets: which promise each target was seen to break or to keep, and which nobody could try."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.html.page import Cell, Mark, ProfilePart, RequirementRow
from lockproof.conformance.reports.html.sentences import profile_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.reports.html.matrix import Matrix, Seen
    from lockproof.conformance.reports.run import Run

__all__ = ["profiles"]

_Column = list["Seen"]
"""What became of the cases of a requirement on one target."""


def profiles(runs: Sequence[Run], cases: Matrix) -> tuple[ProfilePart, ...]:
    """Return the requirements that cases were asked about, by profile; the profiles in the order of the catalogue."""
    catalogue: dict[str, Requirement] = {}
    for run in runs:
        catalogue |= run.corpus.requirements
    columns, owners = _columns(cases)
    order = [*(name for name in catalogue if name in columns), *(name for name in columns if name not in catalogue)]
    of_profile: dict[str, list[RequirementRow]] = defaultdict(list)
    numbers = count()
    for name in order:
        profile = str(catalogue[name].profile) if name in catalogue else owners[name]
        of_profile[profile].append(_row(next(numbers), name, catalogue.get(name), columns[name]))
    return tuple(
        ProfilePart(name, profile_sentence(rows, cases.targets), tuple(sorted(rows, key=_worst_first)))
        for name, rows in of_profile.items()
    )


def _columns(cases: Matrix) -> tuple[Mapping[str, list[_Column]], Mapping[str, str]]:
    """Return for each requirement what became of its cases on each target, and the profile that these cases have."""
    columns: dict[str, list[_Column]] = defaultdict(lambda: [[] for _ in cases.targets])
    owners: dict[str, str] = {}
    for row in cases.cases.values():
        for number, seen in enumerate(row):
            if seen is None:
                continue
            result = seen.entry.worst
            found = (finding.requirement for finding in result.verdict.findings)
            for name in dict.fromkeys((*result.checks, *found)):
                columns[name][number].append(seen)
                owners.setdefault(name, result.profile)
    return columns, owners


def _row(number: int, name: str, known: Requirement | None, columns: list[_Column]) -> RequirementRow:
    return RequirementRow(
        number=number,
        name=name,
        modality=known.modality if known is not None else "",
        source=known.source if known is not None else "",
        statement=known.statement if known is not None else "It is not in the catalogue.",
        cases=len({seen.entry.worst.case for column in columns for seen in column}),
        cells=tuple(_cell(name, column) for column in columns),
    )


def _cell(name: str, column: _Column) -> Cell:
    marks = [seen.mark for seen in column]
    broken = [seen for seen in column if seen.entry.status is Status.FAIL and _breaks(seen, name)]
    passed = sum(mark in {Mark.PASS, Mark.FIXED} for mark in marks)
    if broken:
        mark = Mark.KNOWN if all(seen.mark is Mark.KNOWN for seen in broken) else Mark.FAIL
        return Cell(mark, "FAIL", len(broken))
    if unresolved := marks.count(Mark.UNRESOLVED):
        return Cell(Mark.UNRESOLVED, "UNRESOLVED", unresolved)
    if passed:
        return Cell(Mark.PASS, "PASS", note="" if passed == len(marks) else f"{passed} of {len(marks)}")
    for mark, word in ((Mark.UNTESTED, "UNTESTED"), (Mark.UNSUPPORTED, "UNSUPPORTED"), (Mark.NOT_RUN, "not run")):
        if mark in marks:
            return Cell(mark, word)
    # Its cases fail, but for something else that they check.
    return Cell(Mark.UNTESTED, "UNTESTED") if marks else Cell(Mark.NOT_ASKED, "")


def _breaks(seen: Seen, requirement: str) -> bool:
    return any(finding.requirement == requirement for finding in seen.entry.worst.verdict.findings)


_BROKEN = {Mark.FAIL, Mark.KNOWN}


def _worst_first(row: RequirementRow) -> tuple[int, ...]:
    """Sort those first that most targets break; then in the order of the catalogue, those that all keep last."""
    marks = [cell.mark for cell in row.cells]
    return -sum(mark in _BROKEN for mark in marks), -marks.count(Mark.UNRESOLVED), row.kept, row.number
