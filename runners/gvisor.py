# SPDX-License-Identifier: Apache-2.0
"""`gvisor`: the kernel of gVisor, started by the runsc on PATH."""

from __future__ import annotations

import os

from lockproof.conformance.errors import UsageError
from lockproof.runners.host.tools import executable
from lockproof.runners.probe.compiled import host_probe
from lockproof.runners.probe.session import ProbeTarget

__all__ = ["make", "names"]

# Nothing of the network, of cgroups or of a hypervisor is needed to lock memory; without them runsc starts anywhere.
_OPTIONS = ("--network=none", "--platform=systrap", "--ignore-cgroups")


def make(argument: str) -> ProbeTarget:
    """Make the target `gvisor`, which takes no argument. Raises UsageError where runsc is not installed."""
    if argument:
        msg = f"target 'gvisor:{argument}': gvisor takes no argument; write gvisor"
        raise UsageError(msg)
    runsc = executable(
        "runsc", "target 'gvisor'", "install it (Debian 13 and later: apt install runsc) or put it on PATH"
    )
    rootless = () if os.geteuid() == 0 else ("--rootless",)
    probe = host_probe()
    return ProbeTarget("gvisor", (runsc, *rootless, *_OPTIONS, "do", probe), files={"probe": probe})


def names() -> tuple[str, ...]:
    """Return the arguments that name a target on every machine."""
    return ("",)
