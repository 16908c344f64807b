# SPDX-License-Identifier: Apache-2.0
"""The libraries that stand between a program and its libc, loaded with LD_PRELOAD."""

from __future__ import annotations

import os
from importlib.resources import files

from lockproof.conformance.errors import UsageError, suggest

__all__ = ["NAMES", "path"]

NAMES = ("posixmlock", "fault")


def path(name: str) -> str:
    """Give the path of a shim, fit for LD_PRELOAD. Raises UsageError where there is no such shim, or it is not there."""
    if name not in NAMES:
        msg = f"shim {name!r}: there is none of that name; {suggest(name, NAMES)}"
        raise UsageError(msg)
    found = str(files("lockproof") / "native" / f"lib{name}.so")
    if not os.path.exists(found):  # noqa: PTH110  it is a text for the loader
        msg = f"shim {name!r}: {found} is not there; install lockproof again"
        raise UsageError(msg)
    if " " in found or ":" in found:
        msg = f"shim {name!r}: {found} has a blank or colon in it, at which LD_PRELOAD would cut it; install elsewhere"
        raise UsageError(msg)
    return found
