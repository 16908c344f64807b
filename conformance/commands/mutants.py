# SPDX-License-Identifier: Apache-2.0
"""`lockproof mutants`: which deliberate defects of a model the cases catch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
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
    model: str = MODEL
    """The target that gets the defects."""


def mutants(request: MutantsRequest) -> Printed:
    """Say what the cases catch; 1 where a mutant survives, or a case fails without one. Raises UsageError.

    Of another model than the reference it is known that cases fail, and a mutant that no case tells from it is none.
    """
    found = examine(load(request.cases), _chosen(request.selection), partial(open_model, model=request.model))
    deviates = request.model != MODEL
    text = report(
        found,
        verbose=request.verbose,
        partial=request.cases is not None or bool(request.selection),
        deviates=deviates,
    )
    if deviates:
        return Printed(text, int(any(mutant.name not in found.alike for mutant in found.survivors)))
    return Printed(text, int(bool(found.survivors or found.failing)))


@contextmanager
def open_model(defect: str, model: str = MODEL) -> Iterator[RawSession]:
    """Start a model, with the defect of that name; without any for the empty one. Raises UsageError."""
    with make_target(f"{model}/{defect}" if defect else model).session() as session:
        if not isinstance(session, RawSession):
            msg = f"target {model!r}: is no model; write one of `lockproof targets`, such as model:linux-6"
            raise UsageError(msg)
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
