# SPDX-License-Identifier: Apache-2.0
"""The commands that look at the corpus itself: what it covers, what it catches, and what is doubtful in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lockproof.conformance.commands.mutants import open_model
from lockproof.conformance.corpus import coverage as covering
from lockproof.conformance.corpus import lint as linting
from lockproof.conformance.corpus import mutants as mutation
from lockproof.conformance.errors import UsageError
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.selection import select
from lockproof.conformance.reports.case_picture import show as draw
from lockproof.conformance.repro.program import repro as write_program
from lockproof.runners.models.mutants import mutants as all_mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


__all__ = ["COMMANDS", "repro"]

_Printed = tuple[str, int]
"""What is printed, and the exit code."""


def coverage(path: Path | None, patterns: Sequence[str]) -> _Printed:
    """Print requirement by case; 1 where a requirement has no case. Raises UsageError."""
    if patterns:
        msg = "--coverage is about all cases; leave out CASE (lockproof explain REQUIREMENT is about one requirement)"
        raise UsageError(msg)
    counts = Counter(mutant.requirement for mutant in all_mutants())
    rows = covering.coverage(load(path), counts)
    return covering.table(rows), int(not all(row.cases for row in rows))


def show(path: Path | None, patterns: Sequence[str]) -> _Printed:
    """Draw cases. Raises UsageError."""
    corpus = load(path)
    return "\n\n".join(draw(case, corpus.requirements) for case in select(corpus.cases, patterns)), 0


def lint(path: Path | None, patterns: Sequence[str]) -> _Printed:
    """Print what is doubtful in cases, a line each; 2 where anything is. Raises UsageError."""
    corpus = load(path)
    chosen = select(corpus.cases, patterns)
    problems = linting.lint(corpus, chosen, mutation.examine(corpus, all_mutants(), open_model))
    lines = [str(problem) for problem in problems] or [
        f"{len(chosen)} case{'' if len(chosen) == 1 else 's'}, nothing doubtful"
    ]
    return "\n".join(lines), 2 if problems else 0


def repro(path: Path | None, name: str) -> str:
    """Give the C program of a case. Raises UsageError where the name is not that of one, or it needs more than that."""
    found = select(load(path).cases, [name])
    if len(found) > 1:
        msg = f"case {name!r}: {len(found)} cases are called so, such as {found[0].name}; name one"
        raise UsageError(msg)
    return write_program(found[0])


COMMANDS: Mapping[str, Callable[[Path | None, Sequence[str]], _Printed]] = {
    "coverage": coverage,
    "show": show,
    "lint": lint,
}
"""What `lockproof cases --…` can do."""
