# SPDX-License-Identifier: Apache-2.0
"""`lockproof explain`: a requirement of the catalogue, or how a disputed place of the standard is read."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.counted import counted
from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.language.loading import load
from lockproof.conformance.reports.interpretation import interpretation_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.language.requirements import Requirement

__all__ = ["ExplainRequest", "explain"]

_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainRequest:
    """What the user asked for."""

    name: str | None = None
    """Of a requirement, or of an interpretation."""
    interpretations: bool = False
    """Whether all interpretations are asked for."""
    cases: Path | None = None


def explain(request: ExplainRequest) -> Printed:
    """Say what a requirement demands, or how the standard is read. Raises UsageError where nothing is called so."""
    corpus = load(request.cases)
    if request.interpretations:
        found = corpus.interpretations.values()
        return Printed("\n\n".join("\n".join(interpretation_lines(each, corpus.cases)) for each in found))
    if request.name is None:
        msg = "nothing to explain; name a requirement or an interpretation, or add --interpretations"
        raise UsageError(msg)
    if request.name in corpus.interpretations:
        return Printed("\n".join(interpretation_lines(corpus.interpretations[request.name], corpus.cases)))
    requirement = corpus.requirements.get(request.name)
    if requirement is None:
        what = f"{request.name!r}: neither a requirement nor an interpretation is called so"
        msg = f"{what}; {suggest(request.name, (*corpus.requirements, *corpus.interpretations))}"
        raise UsageError(msg)
    return Printed("\n".join(_requirement(requirement, corpus)))


def _requirement(found: Requirement, corpus: Corpus) -> Iterator[str]:
    checking = [case for case in corpus.cases if found.id in case.checks]
    yield found.id
    yield from textwrap.wrap(found.statement, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield f"  {found.modality}, profile {found.profile}; {found.source}"
    yield ""
    yield f"Checked by {counted(len(checking), 'case')}{':' if checking else ''}"
    yield from (f"  {case.name}" for case in checking)
    if readings := dict.fromkeys(name for case in checking for name in case.readings):
        yield f"Turns on {', '.join(readings)}; lockproof explain --interpretations"
