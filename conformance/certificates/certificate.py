# SPDX-License-Identifier: Apache-2.0
"""certificate.json: what was certified, with what, and what came out; the text that is signed."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  pydantic reads the annotations
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError

from lockproof.conformance.certificates.conclusions import Conclusion, Standing  # noqa: TC001  pydantic reads them
from lockproof.conformance.errors import first_mistake
from lockproof.conformance.judging.verdict import Status  # noqa: TC001
from lockproof.conformance.language.requirements import Profile  # noqa: TC001
from lockproof.conformance.running.manifest import Manifest
from lockproof.runners.target import TargetInfo  # noqa: TC001

__all__ = ["Certificate", "Kernel", "Suite", "read_certificate"]

_STRICT = ConfigDict(extra="forbid")
_Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """What was certified, by what nobody can guess; None: it could not be read, or there is none."""

    __pydantic_config__ = _STRICT

    image: _Digest | None
    """SHA-256 of the image that was booted."""
    taint_before: int | None
    taint_after: int | None
    """What the kernel had against itself at both ends (/proc/sys/kernel/tainted)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """With what it was certified."""

    __pydantic_config__ = _STRICT

    lockproof: str
    """Version."""
    corpus: _Digest
    """Of all cases, and of what is expected of each."""
    requirements: _Digest
    """Of the catalogue."""
    probe: _Digest | None
    """SHA-256 of the executable; None: a model, or a command that starts one of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What is signed. All but the traces, the statement and what identifies the kernel follows from the traces."""

    __pydantic_config__ = _STRICT

    format: Literal[1] = 1
    run: str
    started: str
    """UTC, ISO 8601."""
    finished: str
    time_limit: float
    """Seconds for each execution."""
    target: str
    readings: tuple[str, ...]
    """Readings of the standard by which it was judged besides those that were decided, each as `ID=CHOICE`."""
    kernel: Kernel
    info: TargetInfo
    """What the target said of itself: release, architecture, page size, observers, providers of faults, and settings
    of the kernel that these need, as found and as set.
    """
    suite: Suite
    observers_agreed: bool
    """Whether all ways to look saw the same locks wherever several looked."""
    counts: Mapping[Status, int]
    """Cases."""
    requirements: tuple[Standing, ...]
    profiles: Mapping[Profile, Conclusion]
    """What it comes to."""
    files: Mapping[str, _Digest]
    """SHA-256 of the other files in the folder."""

    def as_json(self) -> str:
        """Return the text of certificate.json."""
        return _certificates().dump_json(self, indent=2).decode() + "\n"

    @property
    def manifest(self) -> Manifest:
        """What was run, as reports want it."""
        return Manifest(
            run=self.run,
            lockproof=self.suite.lockproof,
            cases=None,
            selection=(),
            corpus=self.suite.corpus,
            readings=self.readings,
            targets=(self.target,),
            repeat=1,
            time_limit=self.time_limit,
            started=self.started,
            finished=self.finished,
            info={self.target: self.info},
        )


@cache
def _certificates() -> TypeAdapter[Certificate]:
    return TypeAdapter(Certificate)


def read_certificate(content: bytes) -> Certificate:
    """Read a certificate.json. Raises ValueError, whose text says why, where it is none, or not as it is written."""
    try:
        certificate = _certificates().validate_json(content)
    except ValidationError as error:
        raise ValueError(first_mistake(error)) from error
    if certificate.as_json().encode() != content:  # a field twice, or one that says the same in another way
        msg = "not written as lockproof writes it"
        raise ValueError(msg)
    return certificate
