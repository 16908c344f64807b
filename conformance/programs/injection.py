# SPDX-License-Identifier: Apache-2.0
"""Which calls of a program are made to fail, all of them and then one in each run, and what it does then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.programs.executable import examine
from lockproof.conformance.programs.injection_runs import (
    can_misbehave,
    fault_runs,
    observe,
    rule_for,
    rules_for_every_call,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockproof.conformance.programs.executable import Executable
    from lockproof.conformance.programs.injection_runs import FaultRun, Observed
    from lockproof.conformance.programs.tracing import Called
    from lockproof.runners.shims import Rule

__all__ = ["Injection", "inject"]


@dataclass(frozen=True, slots=True)
class Injection:
    """All that was found out about a program."""

    argv: tuple[str, ...]
    program: Executable
    undisturbed: Observed
    """The run in which nothing failed."""
    runs: tuple[FaultRun, ...]
    """Those in which calls failed: every one that the rules name, and then one after another, in their order."""
    left_out: int
    """Calls that were not made to fail, as there were more than asked for."""


def inject(argv: Sequence[str], rules: Sequence[Rule], *, limit: float, most: int) -> Injection:
    """Run a program as it is, then with every call failing that a rule names, then once for each, `most` at most.

    `limit`: seconds for each run. Raises UsageError where the program cannot be tested, with the reason, TargetError.
    """
    program = examine(argv[0])
    undisturbed = observe(argv, program.path, "", limit)
    plan: list[tuple[Called | None, str]] = [
        (called, rule_for(called, rule.manner, rule.errno))
        for number, called in enumerate(undisturbed.calls, 1)
        if (rule := next((rule for rule in rules if rule.is_about(called.call, called.nth, number)), None))
        and can_misbehave(called, rule.manner)
    ]
    every: list[tuple[Called | None, str]] = [(None, rules_for_every_call(rules))] if plan else []
    runs = tuple(fault_runs(argv, program.path, every + plan[:most], undisturbed, limit))
    return Injection(tuple(argv), program, undisturbed, runs, max(0, len(plan) - most))
