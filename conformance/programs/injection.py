# SPDX-License-Identifier: Apache-2.0
"""One `lockproof inject`, from arguments to exit code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import click

from lockproof.conformance.files import write_whole
from lockproof.conformance.programs.examine import examine
from lockproof.conformance.programs.injection_reports import Injection, as_json, junit, table
from lockproof.conformance.programs.injection_runs import Did, become_reaper, failed_runs, observe, rule_for
from lockproof.runners import shims

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lockproof.conformance.programs.injection_runs import Called

__all__ = ["inject", "start"]

_EVERY_CALL = "any=fail"
_RULE = re.compile(r"(?P<call>\w+)(?:@(?P<nth>\d+)(?P<on>\.\.)?)?=(?P<manner>\w+)(?::(?P<errno>\w+))?")


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
    shims.check_fault(fail, "--fail")
    program = examine(argv[0])
    become_reaper()
    whole = observe(argv, program.path, "", limit)
    rules = [_Rule.read(text) for text in fail.split(",")]
    plan = [
        (called, rule_for(called, rule.manner, rule.errno))
        for number, called in enumerate(whole.calls, 1)
        if (rule := next((rule for rule in rules if rule.names(called, number)), None))
    ]
    failed = tuple(failed_runs(argv, program.path, plan[:most], whole, limit))
    return Injection(tuple(argv), program, whole, failed, max(0, len(plan) - most))


class _Rule(NamedTuple):
    """A rule of libfault.so, as a choice of calls."""

    call: str
    first: int
    last: float
    manner: str
    errno: str | None

    @classmethod
    def read(cls, text: str) -> _Rule:
        match = _RULE.fullmatch(text)
        if match is None:
            raise AssertionError(text)  # it was checked before
        first = int(match["nth"] or 1)
        last = first if match["nth"] and not match["on"] else float("inf")
        return cls(match["call"], first, last, match["manner"], match["errno"])

    def names(self, called: Called, number: int) -> bool:
        """Whether it is about a call, the so manieth of all."""
        if self.call not in {"any", called.call}:
            return False
        return self.first <= (number if self.call == "any" else called.nth) <= self.last
