# SPDX-License-Identifier: Apache-2.0
"""`lockproof mutants`: which deliberate defects of the reference model the cases catch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.corpus.mutants import RawSession, examine, report
from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.language.loading import load
from lockproof.runners.models.mutants import MODEL
from lockproof.runners.models.mutants import mutants as all_mutants
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lockproof.runners.models.mutants import Mutant

__all__ = ["MutantsRequest", "mutants", "open_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantsRequest:
    """What the user asked for."""

    cases: Path | None = None
    selection: tuple[str, ...] = ()
    """Names of mutants, or patterns with * and ?; none: all."""
    verbose: bool = False


def mutants(request: MutantsRequest) -> Printed:
    """Say what the cases catch; 1 where a mutant survives or a case fails without one. Raises UsageError."""
    found = examine(load(request.cases), _chosen(request.selection), open_model)
    partial = request.cases is not None or bool(request.selection)
    text = report(found, verbose=request.verbose, partial=partial)
    return Printed(text, 1 if found.survivors or found.failing else 0)


@contextmanager
def open_model(defect: str) -> Iterator[RawSession]:
    """Start the reference model, with the defect of that name; without any for the empty one. Raises UsageError."""
    with make_target(f"{MODEL}/{defect}" if defect else MODEL).session() as session:
        if not isinstance(session, RawSession):
            raise TypeError(session)
        yield session


def _chosen(patterns: Sequence[str]) -> list[Mutant]:
    known = {mutant.name: mutant for mutant in all_mutants()}
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            msg = f"mutant {pattern!r}: there is none of that name; {suggest(pattern, known)}"
            raise UsageError(msg)
    return [
        mutant
        for name, mutant in known.items()
        if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
    ]
