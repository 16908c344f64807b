# SPDX-License-Identifier: Apache-2.0
"""All states of small address spaces on models, what breaks a requirement, and the smallest of each.

The spaces of a model are explored in slices, in the order of their numbers; after each, what is known is kept in a
file, so that a later call can go on from there.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.files import read_input, write_whole
from lockproof.conformance.proving.counterexample import Counterexample
from lockproof.conformance.reports.progress import search_progress
from lockproof.runners.models import exhaustive, model_names
from lockproof.runners.models.exhaustive import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console

    from lockproof.conformance.proving.request import ProofRequest

__all__ = ["Proof", "prove"]

_SLICES = 64
_LEAST = 7**4


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of one model."""

    model: str
    part: Part
    whole: int
    """Address spaces that there are."""
    fresh: int
    """States that were explored by this call."""
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether everything was explored."""
        return self.part.past == self.whole

    def broken(self) -> Iterator[Counterexample]:
        """Return what first breaks each check that something breaks, in the order of checks."""
        for check, count in zip(exhaustive.checks(), self.part.counts, strict=True):
            if count.broken:
                yield Counterexample(check, count)


def prove(request: ProofRequest, out: Console) -> list[Proof]:
    """Explore the models one after another; an interrupt ends it early. Raises UsageError, StoreError."""
    known = model_names()
    for model in request.models:
        if model not in known:
            msg = f"model {model!r}: there is none of that name; {suggest(model, known)}"
            raise UsageError(msg)
    proofs = []
    for model in request.models:
        proofs.append(_prove(request, model, out))
        if not proofs[-1].complete:
            break
    return proofs


def slices(first: int, whole: int) -> list[tuple[int, int]]:
    """Divide the spaces [first, whole)."""
    size = max(_LEAST, whole // _SLICES)
    return [(start, min(start + size, whole)) for start in range(first, whole, size)]


def _prove(request: ProofRequest, model: str, out: Console) -> Proof:
    whole = exhaustive.spaces(request.pages)
    file = request.results / "prove" / f"{model}-{request.pages}.json"
    known = _load(file, whole) if request.resume and file.exists() else _nothing()
    kept = _Kept(file, known)
    began = time.monotonic()
    with search_progress(out) as progress:
        task = progress.add_task(model, total=whole, completed=known.past, rate="")

        def show(spaces: int, states: int) -> None:
            rate = states / max(time.monotonic() - began, 1e-3) / 1e6
            progress.update(task, completed=spaces, rate=f"{rate:.1f} million states/s")

        with suppress(KeyboardInterrupt):  # between two slices
            _explorer(request)(request, model, slices(known.past, whole), kept.add, show)
    return Proof(model, kept.part, whole, kept.part.states - known.states, time.monotonic() - began)


@dataclass
class _Kept:
    """What is known of a model, in a file from which a later call can go on."""

    file: Path
    part: Part

    def add(self, part: Part) -> None:
        """Add what follows, and put all that is known in place of the file, at once. Raises StoreError."""
        self.part = exhaustive.merge([self.part, part])
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, json.dumps(asdict(self.part)), "choose another folder with --results")


def _explorer(request: ProofRequest) -> Callable[..., None]:
    if request.scheduler is None:
        return _on_this_machine
    from lockproof.conformance.proving.cluster import explore  # noqa: PLC0415  an optional extra

    return explore


def _on_this_machine(
    request: ProofRequest,
    model: str,
    todo: list[tuple[int, int]],
    keep: Callable[[Part], None],
    show: Callable[[int, int], None],
) -> None:
    """Explore on the cores of this machine, until it is done or interrupted."""
    states = 0
    for first, past in todo:

        def watch(spaces: int, more: int, first: int = first, states: int = states) -> bool:
            show(first + spaces, states + more)
            return True

        part = exhaustive.explore(model, first, past, pages=request.pages, threads=request.threads, watch=watch)
        states += part.states
        if part.past > part.first:
            keep(part)
        if part.past < past:
            return


def _nothing() -> Part:
    return Part(0, 0, 0, tuple(exhaustive.CheckCount(0, 0) for _ in exhaustive.checks()))


def _load(file: Path, whole: int) -> Part:
    try:
        part = TypeAdapter(Part).validate_json(read_input(file))
    except (OSError, ValidationError) as error:
        msg = f"{file}: cannot be read as what `lockproof prove` keeps; remove it, or leave out --resume"
        raise UsageError(msg) from error
    if part.first != 0 or part.past > whole or len(part.counts) != len(exhaustive.checks()):
        msg = f"{file}: is of another version of lockproof; remove it, or leave out --resume"
        raise UsageError(msg)
    return part
