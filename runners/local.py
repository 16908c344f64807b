# SPDX-License-Identifier: Apache-2.0
"""`local`: the running kernel."""

from __future__ import annotations

from lockproof.conformance.errors import UsageError
from lockproof.runners.channel import ProbeTarget, host_probe

__all__ = ["make", "names"]


def make(argument: str) -> ProbeTarget:
    """Make the target `local`, which takes no argument. Raises UsageError."""
    if argument:
        msg = f"target 'local:{argument}': local takes no argument; write local"
        raise UsageError(msg)
    return ProbeTarget("local", (host_probe(),))


def names() -> tuple[str, ...]:
    """Give the arguments that name a target on every machine."""
    return ("",)
