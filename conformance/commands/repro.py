# SPDX-License-Identifier: Apache-2.0
"""`lockproof repro`: a case as a C program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.errors import UsageError
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.selection import select
from lockproof.conformance.repro import program

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ReproRequest", "repro"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproRequest:
    """What the user asked for."""

    case: str
    """The name of one case, or what only one is called."""
    cases: Path | None = None


def repro(request: ReproRequest) -> Printed:
    """Write the program. Raises UsageError where there is no such case, or more than one, or it needs lockproof."""
    found = select(load(request.cases).cases, [request.case])
    if len(found) > 1:
        msg = f"case {request.case!r}: {len(found)} cases are called so, such as {found[0].name}; name one"
        raise UsageError(msg)
    return Printed(program.repro(found[0]))
