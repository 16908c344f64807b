# SPDX-License-Identifier: Apache-2.0
"""Which requirement is checked by which cases, on which memory, and in how many ways it is known to be broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.counted import counted
from lockproof.conformance.language.case import Kind
from lockproof.conformance.language.requirements import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockproof.conformance.language.case import Case, Region
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.language.requirements import Requirement

__all__ = ["Covered", "coverage", "table"]


@dataclass(frozen=True, slots=True)
class Covered:
    """A requirement and what checks it."""

    requirement: Requirement
    cases: tuple[Case, ...]
    mutants: int
    """Deliberate defects of the reference model that break it."""

    @property
    def written(self) -> tuple[str, ...]:
        """The cases as they are written, each once for all its combinations."""
        return tuple(dict.fromkeys(case.name.partition("[")[0] for case in self.cases))

    @property
    def memory(self) -> tuple[str, ...]:
        """The kinds of memory in these cases, as a person would call them."""
        found = {_memory(region) for case in self.cases for region in case.regions.values()}
        return tuple(sorted(found))


def _memory(region: Region) -> str:
    words = ["shared" if region.shared else "private"] if region.kind is Kind.FILE else []
    words += [region.kind.value]
    words += [] if region.protection in {"rw", "rwx"} else [region.protection]
    return "-".join(words)


def coverage(corpus: Corpus, mutants: Mapping[str, int]) -> list[Covered]:
    """Return every requirement of the catalogue with its cases; `mutants`: how many break each."""
    return [
        Covered(
            requirement,
            tuple(case for case in corpus.cases if requirement.id in case.checks),
            mutants.get(requirement.id, 0),
        )
        for requirement in corpus.requirements.values()
    ]


def table(rows: Sequence[Covered]) -> str:
    """Print a line for each requirement with its cases below it, and what is not covered."""
    lines = []
    for row in rows:
        own = row.requirement
        covered = f"{counted(len(row.cases), 'case')}, {counted(row.mutants, 'mutant')}"
        count = covered if row.cases else "NO CASE"
        lines.append(f"{own.id} ({own.modality}, {own.profile}): {count}")
        if row.cases:
            lines.append(f"  memory  {' '.join(row.memory)}")
            lines += [f"  {name}" for name in row.written]
    return "\n".join([*lines, "", *_counts(rows)])


def _counts(rows: Sequence[Covered]) -> list[str]:
    parts = []
    for profile in Profile:
        own = [row for row in rows if row.requirement.profile is profile]
        parts.append(f"{profile} {sum(bool(row.cases) for row in own)} of {len(own)}")
    covered = sum(bool(row.cases) for row in rows)
    cases = {case.name for row in rows for case in row.cases}
    return [
        f"{covered} of {len(rows)} requirements have cases ({', '.join(parts)}); {len(cases)} cases",
        *(f"no case: {row.requirement.id} ({row.requirement.modality})" for row in rows if not row.cases),
    ]
