# SPDX-License-Identifier: Apache-2.0
"""The deliberate defects that the reference model can be given (native/models/mutants), one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, takewhile

from lockproof._models import ffi, lib

__all__ = ["MODEL", "Mutant", "mutants"]

MODEL = "model:posix"
"""The target that is right; with a defect it is called `model:posix/MUTANT`."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """The reference model with one defect."""

    name: str
    requirement: str
    """The requirement that it breaks."""
    about: str
    """What is wrong with it."""

    @property
    def target(self) -> str:
        """The TARGET text that names it."""
        return f"{MODEL}/{self.name}"


def mutants() -> tuple[Mutant, ...]:
    """Return all of them, in the order of the library."""
    numbers = takewhile(lambda number: lib.lockproof_mutant_name(number) != ffi.NULL, count())
    texts = (lib.lockproof_mutant_name, lib.lockproof_mutant_requirement, lib.lockproof_mutant_about)
    return tuple(Mutant(*(ffi.string(text(number)).decode() for text in texts)) for number in numbers)
