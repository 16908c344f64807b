# SPDX-License-Identifier: Apache-2.0
"""`lockproof mutants`: which deliberate defects of a model, or of a kernel, the cases catch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.watching import watching
from lockproof.conformance.corpus import defects
from lockproof.conformance.corpus.mutants import RawSession, examine, report
from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.language.loading import load
from lockproof.runners.models.mutants import MODEL
from lockproof.runners.models.mutants import mutants as all_mutants
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from lockproof.conformance.corpus.defects import Defect
    from lockproof.runners.models.mutants import Mutant

__all__ = ["MutantsRequest", "mutants", "open_model"]


_Some = TypeVar("_Some", "Mutant", "Defect")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantsRequest:
    """What the user asked for."""

    cases: Path | None = None
    selection: tuple[str, ...] = ()
    """Names of mutants, or patterns with * and ?; none: all."""
    verbose: bool = False
    model: str = MODEL
    """The target that gets the defects."""
    kernel: str | None = None
    """A target whose kernel has defects of its own (native/kernel/defects.patch), in place of the model."""


def mutants(request: MutantsRequest, progress: Console) -> Printed:
    """Say what the cases catch; 1 where a mutant survives, or a case fails without one. Raises UsageError.

    Of another model than the reference it is known that cases fail, and a mutant that no case tells from it is none.
    """
    if request.kernel is not None:
        return _of_kernel(request, request.kernel, progress)
    chosen = _chosen(request.selection, all_mutants())
    found = examine(load(request.cases), chosen, partial(open_model, model=request.model))
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


def _of_kernel(request: MutantsRequest, kernel: str, progress: Console) -> Printed:
    """Say what the cases catch of the defects of a kernel; 1 where one survives. Raises UsageError, TargetError."""
    corpus = load(request.cases)
    chosen = _chosen(request.selection, defects.defects())
    with watching(progress) as watcher:
        found = defects.score(corpus, chosen, make_target(kernel), watcher)
    checks = {case.name: case.checks for case in corpus.cases}
    return Printed(defects.report(found, checks, verbose=request.verbose), int(bool(found.survivors)))


@contextmanager
def open_model(defect: str, model: str = MODEL) -> Iterator[RawSession]:
    """Start a model, with the defect of that name; without any for the empty one. Raises UsageError."""
    with make_target(f"{model}/{defect}" if defect else model).session() as session:
        if not isinstance(session, RawSession):
            msg = f"target {model!r}: is no model; write one of `lockproof targets`, such as model:linux-6"
            raise UsageError(msg)
        yield session


def _chosen(patterns: Sequence[str], there: Sequence[_Some]) -> list[_Some]:
    known = {each.name: each for each in there}
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            msg = f"mutant {pattern!r}: there is none of that name; {suggest(pattern, known)}"
            raise UsageError(msg)
    return [
        each for name, each in known.items() if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
    ]
