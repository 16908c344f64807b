# SPDX-License-Identifier: Apache-2.0
"""`lockproof explain`: a requirement of the catalogue, and the cases that check it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.language.loading import load

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ExplainRequest", "explain"]

_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainRequest:
    """What the user asked for."""

    requirement: str
    cases: Path | None = None


def explain(request: ExplainRequest) -> Printed:
    """Say what a requirement demands. Raises UsageError where there is no such requirement."""
    corpus = load(request.cases)
    found = corpus.requirements.get(request.requirement)
    if found is None:
        what = f"requirement {request.requirement!r}: there is none of that id"
        msg = f"{what}; {suggest(request.requirement, corpus.requirements)}"
        raise UsageError(msg)
    checking = [case for case in corpus.cases if found.id in case.checks]
    lines = [
        found.id,
        *textwrap.wrap(found.statement, _WIDTH, initial_indent="  ", subsequent_indent="  "),
        f"  {found.modality}, profile {found.profile}; {found.source}",
        "",
        f"Checked by {len(checking)} case{'' if len(checking) == 1 else 's'}{':' if checking else ''}",
        *(f"  {case.name}" for case in checking),
    ]
    return Printed("\n".join(lines))
