# SPDX-License-Identifier: Apache-2.0
"""One `lockproof inject`, from arguments to exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockproof.conformance.files import write_whole
from lockproof.conformance.programs.executable import examine
from lockproof.conformance.programs.injection_reports import Injection, as_json, junit, table
from lockproof.conformance.programs.injection_runs import Did, become_reaper, failed_runs, observe, rule_for
from lockproof.runners import shims

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["inject", "start"]

_EVERY_CALL = "any=fail"


def start(argv: Sequence[str], fail: str | None, *, limit: float, most: int, files: dict[str, Path]) -> int:
    """Let each call of a program fail, and report; gives the exit code. `files`: where json and junit are written.

    Raises UsageError where the program cannot be tested, with the reason, and TargetError, StoreError.
    """
    found = inject(argv, fail or _EVERY_CALL, limit=limit, most=most)
    click.echo(table(found))
    for kind, write in (("json", as_json), ("junit", junit)):
        if kind in files:
            write_whole(files[kind], write(found), "choose another file")
    if any(one.did in {Did.CRASHED, Did.HUNG} for one in found.failed):
        return 1
    return 0 if any(one.did is not Did.NOT_REACHED for one in found.failed) else 3


def inject(argv: Sequence[str], fail: str, *, limit: float, most: int) -> Injection:
    """Run a program as it is, and then once for each call that a rule of `fail` names, `most` of them at most."""
    rules = shims.read_rules(fail, "--fail")
    program = examine(argv[0])
    become_reaper()
    whole = observe(argv, program.path, "", limit)
    plan = [
        (called, rule_for(called, rule.manner, rule.errno))
        for number, called in enumerate(whole.calls, 1)
        if (rule := next((rule for rule in rules if rule.is_about(called.call, called.nth, number)), None))
    ]
    failed = tuple(failed_runs(argv, program.path, plan[:most], whole, limit))
    return Injection(tuple(argv), program, whole, failed, max(0, len(plan) - most))
