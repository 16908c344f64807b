# SPDX-License-Identifier: Apache-2.0
"""The catalogue of requirements: what the standard demands, from cases/requirements.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

__all__ = ["Aspect", "Ending", "Modality", "Profile", "Requirement"]


class Modality(StrEnum):
    """How strongly a requirement binds."""

    SHALL = "shall"
    MAY = "may"
    UNSPECIFIED = "unspecified"
    """No target fails for it; what it does is recorded."""
    INTERPRETATION = "interpretation"
    """Follows from the text only by interpretation; reported apart from `shall`."""


class Profile(StrEnum):
    """The part of a certificate that a requirement belongs to."""

    POSIX = "posix"
    LINUX = "linux"
    QUALITY = "quality"


class Ending(StrEnum):
    """How a call returned."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Aspect(StrEnum):
    """What of an outcome a requirement speaks about; the fields of `Outcome` in case.py."""

    RESULT = "result"
    LOCKED = "locked"
    RESIDENT = "resident"
    MAPPINGS = "mappings"
    ACCOUNTING = "accounting"
    MLOCKED = "mlocked"
    VM_AREAS = "vm-areas"
    PAGE_FAULTS = "page-faults"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One normative statement."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)+$|^options$")]
    """Name that cases give in `checks`."""
    modality: Modality
    profile: Profile
    statement: Annotated[str, Field(min_length=1)]
    """The demand in our own words."""
    source: Annotated[str, Field(min_length=1)]
    """Standard, page and section, or manual page, that it comes from."""
    observes: Annotated[tuple[Aspect, ...], Field(min_length=1)]
    """What of an outcome it speaks about, the main aspect first; a deviation is charged to a requirement that speaks
    of it.
    """
    when: Ending | None = None
    """Of which calls it speaks: only of those that `failed`, or that `succeeded`, and what is seen of them later.
    Default: of both.
    """

    def __str__(self) -> str:
        """Name the requirement with its source, as findings do."""
        return f"{self.id} ({self.source})"
