# SPDX-License-Identifier: Apache-2.0
"""What a run was asked to do, and what it found its targets to be: run.json."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  pydantic reads the annotations
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from lockproof.conformance.errors import first_mistake
from lockproof.conformance.language.selection import Sweeps  # noqa: TC001  pydantic reads the annotations
from lockproof.runners.target import TargetInfo  # noqa: TC001  pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lockproof.conformance.language.case import Case

LONGEST_LIMIT = 86400.0
"""Seconds; what native/probe/PROTOCOL.md lets an execution take."""

__all__ = ["Manifest", "corpus_digest", "now", "read_manifest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a run was asked to do, and what it found its targets to be."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    run: str
    """Name of the run, and of its folder."""
    lockproof: str
    """Version."""
    cases: str | None
    """Path of the cases; None: those that lockproof brings along."""
    selection: tuple[str, ...]
    sweeps: Sweeps = "full"
    """How much of the sweeps was asked for."""
    corpus: str
    """Digest of the selected cases."""
    readings: tuple[str, ...] = ()
    """Readings that cases were judged by besides what was decided, each as `ID=CHOICE`."""
    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    repeat: Annotated[int, Field(ge=1)]
    time_limit: Annotated[float, Field(gt=0, le=LONGEST_LIMIT, allow_inf_nan=False)]
    """Seconds for each execution."""
    confirm: Annotated[int, Field(ge=1)] = 1
    """How often a case that newly fails is run before that counts."""
    started: str
    """UTC, ISO 8601."""
    finished: str | None = None
    """When all results were there; None: some are missing, and `--resume` runs them."""
    info: Mapping[str, TargetInfo] = field(default_factory=dict)
    """What each target that could be started said of itself."""

    def __post_init__(self) -> None:
        """Raise ValueError where a target stands there twice: its results would be doubled."""
        if len(set(self.targets)) < len(self.targets):
            msg = "a target stands there twice"
            raise ValueError(msg)

    @property
    def cases_path(self) -> Path | None:
        """Where the cases are; None: those that lockproof brings along."""
        return Path(self.cases) if self.cases else None

    def found(self, target: str, info: TargetInfo) -> Manifest:
        """Return the manifest with what a target said of itself."""
        return replace(self, info={**self.info, target: info})

    def as_json(self) -> str:
        """Return the text of run.json."""
        return _manifests().dump_json(self, indent=2).decode() + "\n"


@cache
def _manifests() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)


def read_manifest(text: bytes) -> Manifest:
    """Return the manifest of a run.json. Raises ValueError, whose text says why, where it is none."""
    try:
        return _manifests().validate_json(text)
    except ValidationError as error:
        raise ValueError(first_mistake(error)) from error


def now() -> str:
    """Return the time in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def corpus_digest(cases: Iterable[Case]) -> str:
    """Return what tells corpora apart: what is run and how it is judged, wherever the files lie."""
    digest = sha256()
    for number, case in enumerate(cases):
        what = (case.name, case.checks, case.map, case.regions, case.locked, case.limits, case.privilege, case.steps)
        digest.update(f"{chr(0) if number else ''}{what}{case.closing}{case.written or ''}".encode())
    return digest.hexdigest()
