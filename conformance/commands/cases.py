# SPDX-License-Identifier: Apache-2.0
"""`lockproof cases`: which cases there are, what they do and check, what is doubtful in them, and their schema."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lockproof.conformance.columns import aligned
from lockproof.conformance.commands.mutants import open_model
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.corpus.coverage import coverage, table
from lockproof.conformance.corpus.lint import lint
from lockproof.conformance.corpus.mutants import examine
from lockproof.conformance.counted import counted
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.schema import schema
from lockproof.conformance.language.selection import select
from lockproof.conformance.reports.case_picture import show
from lockproof.runners.models.mutants import mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["VIEWS", "CasesRequest", "View", "cases"]

View = Literal["list", "show", "coverage", "lint", "schema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesRequest:
    """What the user asked for."""

    cases: Path | None = None
    selection: tuple[str, ...] = ()
    """Which of them; coverage and schema are about all."""
    view: View = "list"


def cases(request: CasesRequest) -> Printed:
    """Show cases; 1 where a requirement has none, 2 where one is doubtful. Raises UsageError."""
    return VIEWS[request.view](request)


def _list(request: CasesRequest) -> Printed:
    chosen = select(load(request.cases).cases, request.selection)
    rows = [(f"{case.profile:<7}", case.name, case.about) for case in chosen]
    return Printed("\n".join([*aligned(rows), counted(len(chosen), "case")]))


def _show(request: CasesRequest) -> Printed:
    corpus = load(request.cases)
    return Printed("\n\n".join(show(case, corpus.requirements) for case in select(corpus.cases, request.selection)))


def _coverage(request: CasesRequest) -> Printed:
    counts = Counter(mutant.requirement for mutant in mutants())
    rows = coverage(load(request.cases), counts)
    return Printed(table(rows), 0 if all(row.cases for row in rows) else 1)


def _lint(request: CasesRequest) -> Printed:
    corpus = load(request.cases)
    chosen = select(corpus.cases, request.selection)
    problems = lint(corpus, chosen, examine(corpus, mutants(), open_model))
    if not problems:
        return Printed(f"{counted(len(chosen), 'case')}, nothing doubtful")
    return Printed("\n".join(map(str, problems)), 2)


def _schema(_request: CasesRequest) -> Printed:
    return Printed(json.dumps(schema(), indent=2))


VIEWS: Mapping[View, Callable[[CasesRequest], Printed]] = {
    "list": _list,
    "show": _show,
    "coverage": _coverage,
    "lint": _lint,
    "schema": _schema,
}
