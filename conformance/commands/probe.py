# SPDX-License-Identifier: Apache-2.0
"""`lockproof probe`: where the probe is, for those who start it themselves (docs/porting.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.watching import watching
from lockproof.conformance.errors import UsageError
from lockproof.runners.probe import host_probe, probe_for

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["ProbeRequest", "probe"]


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """What the user asked for."""

    print_path: bool
    arch: str | None = None
    """None: that of this machine."""


def probe(request: ProbeRequest, progress: Console) -> Printed:
    """Return the path of the probe, which is compiled first for another architecture.

    Raises UsageError where it cannot be, or nothing is asked for; TargetError, StoreError.
    """
    if not request.print_path:
        msg = "probe: nothing to do; write --print-path"
        raise UsageError(msg)
    if request.arch is None:
        return Printed(host_probe())
    with watching(progress) as watcher:
        return Printed(str(probe_for(request.arch, watcher.say)))
