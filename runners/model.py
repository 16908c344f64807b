# SPDX-License-Identifier: Apache-2.0
"""`model:NAME`: a C model of what a system does with memory locks (native/models), in this process.

`model:NAME/MUTANT` is the model with a deliberate defect; `lockproof mutants` lists them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof._models import ffi, lib
from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.protocol.trace import TraceReader
from lockproof.runners.models.mutants import mutants
from lockproof.runners.models.names import model_names
from lockproof.runners.target import TargetInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lockproof._models import _Text
    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.protocol.trace import Trace

__all__ = ["make", "names"]


def names() -> tuple[str, ...]:
    """Return the arguments that name a target on every machine: those of all models."""
    return model_names()


def make(argument: str) -> ModelTarget:
    """Make the target of a model. Raises UsageError where there is none of that name."""
    known = names()
    name, slash, defect = argument.partition("/")
    defects = [mutant.name for mutant in mutants()] if slash and name in known else []
    if slash and name in known and defect not in defects:
        msg = f"target 'model:{argument}': no mutant is called {defect!r}; {suggest(defect, defects)}"
        raise UsageError(msg)
    if name not in known:
        msg = f"target 'model:{argument}': no model is called {argument!r}; {suggest(argument, known)}"
        raise UsageError(msg)
    return ModelTarget(f"model:{argument}", argument.encode())


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """A model; it needs no start and no end."""

    name: str
    model: bytes

    @property
    def files(self) -> dict[str, str]:
        """None: it is a part of lockproof."""
        return {}

    @contextmanager
    def session(self) -> Iterator[ModelSession]:
        """Ask the model what it can do. Raises TargetError."""
        yield ModelSession(self.model, TargetInfo.from_hello(_take(lib.lockproof_model_hello(self.model))))


@dataclass(frozen=True, slots=True)
class ModelSession:
    """A model that said hello."""

    model: bytes
    info: TargetInfo
    about: str = ""

    def run(self, programs: Iterable[Program]) -> Iterator[Trace]:
        """Execute programs; see runners.target.Session."""
        for program in programs:
            yield self.read(program, self.answer(program))

    def give_up(self) -> None:
        """See runners.target.Session. A model is never waited for."""

    def answer(self, program: Program) -> str:
        """Execute a program; the lines of its trace as they are, or nothing where there is no memory for them."""
        text = f"program model\n{program.text}end\n".encode()
        return _take(lib.lockproof_model_run(self.model, text, len(text)))

    @staticmethod
    def read(program: Program, answer: str) -> Trace:
        """Read an answer to a program."""
        reader = TraceReader("model", program.pages)
        trace = next(filter(None, map(reader.feed, answer.splitlines())), None)
        return trace or reader.lost("not enough memory for the trace")


def _take(answer: _Text) -> str:
    """Copy and release an answer; there is none where memory ran out."""
    if answer == ffi.NULL:
        return ""
    try:
        return ffi.string(answer).decode()
    finally:
        lib.lockproof_model_free(answer)
