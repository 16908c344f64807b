# SPDX-License-Identifier: Apache-2.0
"""`lockproof shim`: where a library for LD_PRELOAD is."""

from __future__ import annotations

from dataclasses import dataclass

from lockproof.conformance.commands.printed import Printed
from lockproof.runners import shims

__all__ = ["ShimRequest", "shim"]


@dataclass(frozen=True, slots=True)
class ShimRequest:
    """What the user asked for."""

    name: str


def shim(request: ShimRequest) -> Printed:
    """Return the path of a shim. Raises UsageError where there is none of that name, or it is not there."""
    return Printed(shims.path(request.name))
