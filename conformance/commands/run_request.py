# SPDX-License-Identifier: Apache-2.0
"""What a user asks `lockproof run` for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.exit_codes import DEFAULT

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.language.selection import Sweeps
    from lockproof.runners.parcel import Packed
    from lockproof.runners.target import Target

__all__ = ["RunRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the user asked for."""

    results: Path
    """Folder that run folders are made in."""
    name: str | None = None
    """Of the run; None: the time."""
    cases: Path | None = None
    selection: tuple[str, ...] = ()
    sweeps: Sweeps = "full"
    """How much of the sweeps is run."""
    readings: tuple[str, ...] = ()
    """Of the standard, by which it is judged besides those that were decided, each as `ID=CHOICE`."""
    targets: tuple[Target | Packed, ...] = ()
    """Those that are on their way up need not be waited for here (runners.target.started); with a scheduler packed."""
    repeat: int = 1
    time_limit: float | None = None
    """Seconds for each execution; None: DEFAULT_TIME_LIMIT."""
    resume: str | None = None
    """Name of an earlier run, which says what is run; what is asked above is not looked at then."""
    again: tuple[str, ...] = ()
    """Targets of that run which the user names once more, so that what they start was asked for."""
    failed_in: str | None = None
    """An earlier run, whose failures, and what it could not find out, are all that is run."""
    confirm: int = 1
    """How often a case that newly fails is run before that counts."""
    jobs: int | None = None
    """Sessions at a time; None: one for each target, but no more than there are cores."""
    baselines: tuple[Path, ...] = ()
    strict_baseline: bool = False
    """Whether what got better is a difference too."""
    reports: tuple[str, ...] = ()
    """KIND[:OPTION][=PATH] each; without a path in the folder of the run."""
    events: str | None = None
    """File, or `-`, for a line of JSON for each event."""
    verbose: bool = False
    profile: bool = False
    """Whether to say at the end which cases took the time."""
    exit_code: str = DEFAULT
    """One of the styles."""
    scheduler: str | None = None
    """Address of that of a Dask cluster, whose workers run the targets; None: this machine does."""
    recorded: bool = False
    """Whether the targets have run already, elsewhere: nothing of them can be tried again here."""
