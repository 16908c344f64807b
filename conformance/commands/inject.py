# SPDX-License-Identifier: Apache-2.0
"""`lockproof inject`: what a program does when its memory-lock calls fail, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.errors import StoreError, UsageError
from lockproof.conformance.files import write_whole
from lockproof.conformance.programs import injection
from lockproof.conformance.programs.injection_reports import as_json, junit, table
from lockproof.conformance.programs.injection_runs import Reaction
from lockproof.runners.shims import read_rules

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["InjectRequest", "inject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectRequest:
    """What the user asked for."""

    command: tuple[str, ...]
    """A program and its arguments."""
    fail: str = "any=fail"
    """Rules of libfault.so."""
    time_limit: float
    """Seconds for each run."""
    most: int
    """Calls that are made to fail."""
    json: Path | None = None
    """Where a report is written."""
    junit: Path | None = None


def inject(request: InjectRequest) -> Printed:
    """Let each call of a program fail; 1 where it crashed or hung, 3 where no call could be made to fail.

    Raises UsageError where the program cannot be tested, with the reason, TargetError.
    """
    rules = read_rules(request.fail, "--fail")
    if request.json is not None and request.json == request.junit:
        msg = "--json and --junit name the same file; leave out one, or write another"
        raise UsageError(msg)
    found = injection.inject(request.command, rules, limit=request.time_limit, most=request.most)
    try:
        for path, report in ((request.json, as_json), (request.junit, junit)):
            if path is not None:
                write_whole(path, report(found), "choose another file")
    except StoreError as error:  # what was found is not lost with it
        return Printed(table(found), error.exit_code, f"{error}")
    reactions = {run.reaction for run in found.runs}
    broken = bool(reactions & {Reaction.CRASHED, Reaction.HUNG})
    return Printed(table(found), 1 if broken else 0 if reactions - {Reaction.NOT_REACHED} else 3)
