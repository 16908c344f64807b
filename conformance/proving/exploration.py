# SPDX-License-Identifier: Apache-2.0
"""All states of small address spaces on models, what breaks a requirement, and the smallest of each.

The spaces of a model are explored in slices, in the order of their numbers; after each, what is known is kept in a
file, so that a later call can go on from there.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError

from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.files import alone, make_folder, read_input, write_whole
from lockproof.conformance.proving.counterexample import Counterexample
from lockproof.conformance.proving.request import Todo
from lockproof.conformance.reports.progress import search_progress
from lockproof.runners.models import exhaustive, model_names
from lockproof.runners.models.exhaustive import Part

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console

    from lockproof.conformance.proving.request import ProofRequest

__all__ = ["Proof", "prove"]

_SLICES = 64
_LEAST = 7**4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored(Part):
    """What is kept in a file."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    models: str
    """Of which models it is."""


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


def prove(request: ProofRequest, out: Console, stop: threading.Event) -> list[Proof]:
    """Explore the models one after another, until `stop` is set. Raises UsageError, TargetError, StoreError."""
    known = model_names()
    for model in request.models:
        if model not in known:
            msg = f"model {model!r}: there is none of that name; {suggest(model, known)}"
            raise UsageError(msg)
    proofs = []
    for model in request.models:
        proofs.append(_prove(request, model, out, stop))
        if not proofs[-1].complete:
            break
    return proofs


def slices(first: int, whole: int) -> list[tuple[int, int]]:
    """Divide the spaces [first, whole)."""
    size = max(_LEAST, whole // _SLICES)
    return [(start, min(start + size, whole)) for start in range(first, whole, size)]


def _prove(request: ProofRequest, model: str, out: Console, stop: threading.Event) -> Proof:
    file = request.results / "prove" / f"{model}-{request.pages}.json"
    make_folder(file.parent, "choose another folder with --results")
    with alone(file):
        kept = _kept(file, request)
        return _explored(request, model, kept, out, stop)


def _explored(request: ProofRequest, model: str, kept: _Kept, out: Console, stop: threading.Event) -> Proof:
    """Explore what is missing of a model, and keep it."""
    whole, known = exhaustive.spaces(request.pages), kept.part
    began = time.monotonic()
    with search_progress(out) as progress:
        task = progress.add_task(model, total=whole, completed=known.past, rate="")

        def show(spaces: int, states: int) -> None:
            rate = states / max(time.monotonic() - began, 1e-3) / 1e6
            progress.update(task, completed=spaces, rate=f"{rate:.1f} million states/s")

        _explorer(request)(Todo(request, model, slices(known.past, whole), kept.add, show, stop))
    return Proof(model, kept.part, whole, kept.part.states - known.states, time.monotonic() - began)


@dataclass
class _Kept:
    """What is known of a model, in a file from which a later call can go on."""

    file: Path
    part: Part
    least: int = 0
    """Address spaces that the file is about already: it is not replaced by one about fewer."""

    def add(self, part: Part) -> None:
        """Add what follows, and put all that is known in place of the file, at once. Raises StoreError."""
        self.part = exhaustive.merge([self.part, part])
        if self.part.past >= self.least:
            text = json.dumps({"models": exhaustive.identity(), **asdict(self.part)})
            write_whole(self.file, text, "choose another folder with --results")


def _kept(file: Path, request: ProofRequest) -> _Kept:
    """Return what an earlier call has kept. Raises UsageError where it would be lost, or cannot be gone on with."""
    whole = exhaustive.spaces(request.pages)
    if request.resume:
        return _Kept(file, _load(file, whole, request.pages) if os.path.lexists(file) else _nothing())
    try:
        known = _load(file, whole, request.pages) if file.exists() else _nothing()
    except UsageError:
        known = _nothing()  # nobody can go on with it
    if 0 < known.past < whole:
        msg = f"{file}: {known.past} of {whole} address spaces are explored there; add --resume to go on, or remove it"
        raise UsageError(msg)
    return _Kept(file, _nothing(), known.past)


def _explorer(request: ProofRequest) -> Callable[[Todo], None]:
    if request.scheduler is None:
        return _on_this_machine
    from lockproof.conformance.proving.cluster import explore  # noqa: PLC0415  an optional extra

    return explore


def _on_this_machine(todo: Todo) -> None:
    """Explore on the cores of this machine, until it is done or stopped."""
    states = 0
    for first, past in todo.slices:

        def watch(spaces: int, more: int, first: int = first, states: int = states) -> bool:
            todo.show(first + spaces, states + more)
            return not todo.stop.is_set()

        request = todo.request
        part = exhaustive.explore(todo.model, first, past, pages=request.pages, threads=request.threads, watch=watch)
        states += part.states
        if part.past > part.first:
            todo.keep(part)
        if part.past < past or todo.stop.is_set():
            return


def _nothing() -> Part:
    return Part(0, 0, 0, tuple(exhaustive.CheckCount(0, 0) for _ in exhaustive.checks()))


def _load(file: Path, whole: int, pages: int) -> Part:
    try:
        stored = TypeAdapter(_Stored).validate_json(read_input(file))
    except (OSError, ValidationError) as error:
        msg = f"{file}: cannot be read as what `lockproof prove` keeps; remove it, or leave out --resume"
        raise UsageError(msg) from error
    if stored.models != exhaustive.identity() or not _is_possible(stored, whole, pages):
        msg = f"{file}: is of another version of lockproof; remove it, or leave out --resume"
        raise UsageError(msg)
    return Part(stored.first, stored.past, stored.states, stored.counts)


def _is_possible(part: Part, whole: int, pages: int) -> bool:
    """Whether an exploration can have come to this: no number is out of its range."""
    return (
        part.first == 0
        and 0 <= part.past <= whole
        and part.states >= 0
        and len(part.counts) == len(exhaustive.checks())
        and all(0 <= count.broken <= count.checked <= part.states for count in part.counts)
        and all(0 <= count.space < max(part.past, 1) and count.n >= 0 for count in part.counts)
        and all(exhaustive.has_call(pages, count.space, count.call) for count in part.counts if count.broken)
    )
