# SPDX-License-Identifier: Apache-2.0
"""The folder that is carried to a machine: the probe, the programs of the cases in one file, a shell script.

The head of the file of programs says of which corpus they are, and which probe is to run them. A program is named by
its number and by the digest of its text, so that each trace says what it is the trace of.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from lockproof.conformance.errors import first_mistake
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.running.manifest import corpus_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.protocol.program import Program

__all__ = ["PROBE", "PROGRAMS", "TRACES", "Exported", "Probe", "contents", "named", "read_head"]

PROGRAMS, PROBE, TRACES = "programs.txt", "lockproof-probe", "traces"
_SCRIPT, _README = "run.sh", "README.txt"
_HEAD = "# "
"""Begins a line of which the probe takes no notice."""
_DIGITS = 16
"""Of a program's digest in its name."""

_Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
_Word = Annotated[str, StringConstraints(max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Which probe is to run the programs."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    arch: _Word
    digest: _Digest
    """SHA-256 of its file."""
    build_id: _Word
    """What it calls itself in its hello; empty: it was linked without."""

    @classmethod
    def of(cls, arch: str, executable: bytes, build_id: str) -> Probe:
        """Return what a probe is."""
        return cls(arch=arch, digest=sha256(executable).hexdigest(), build_id=build_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What is to be run: the head of the file of programs."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    lockproof: _Word
    """Version."""
    probe: Probe
    selection: Annotated[tuple[_Word, ...], Field(max_length=1000)]
    """Which cases were asked for; empty: all."""
    corpus: _Digest
    """Digest of these cases."""

    @classmethod
    def of(cls, version: str, probe: Probe, selection: Sequence[str], cases: Sequence[Case]) -> Exported:
        """Return the head of what a selection of cases is."""
        return cls(lockproof=version, probe=probe, selection=tuple(selection), corpus=corpus_digest(cases))

    def text(self, cases: Sequence[Case]) -> bytes:
        """Return the file of programs of these cases."""
        head = _HEAD.encode() + _heads().dump_json(self) + b"\n"
        programs = (f"program {name}\n{program.text}end\n" for name, program in named(cases).items())
        return head + "".join(programs).encode()


@cache
def _heads() -> TypeAdapter[Exported]:
    return TypeAdapter(Exported)


def read_head(text: bytes) -> Exported:
    """Read the head of a file of programs. Raises ValueError, whose text says why, where it has none."""
    try:
        return _heads().validate_json(text.partition(b"\n")[0].removeprefix(_HEAD.encode()))
    except ValidationError as error:
        raise ValueError(first_mistake(error)) from error


def named(cases: Sequence[Case]) -> dict[str, Program]:
    """Return the programs of cases, in their order, by what they are called on the machine."""
    programs = map(compile_case, cases)
    return {f"{number}-{_digest(program)}": program for number, program in enumerate(programs, 1)}


def _digest(program: Program) -> str:
    return sha256(program.text.encode()).hexdigest()[:_DIGITS]


def contents(exported: Exported, cases: Sequence[Case], probe: bytes) -> Mapping[str, bytes]:
    """Return the files of the folder; `probe`: its executable."""
    here = files("lockproof.conformance.offline")
    return {
        PROGRAMS: exported.text(cases),
        PROBE: probe,
        _SCRIPT: here.joinpath(_SCRIPT).read_bytes(),
        _README: here.joinpath(_README).read_bytes(),
    }
