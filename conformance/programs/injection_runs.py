# SPDX-License-Identifier: Apache-2.0
"""A program in front of calls that fail: what it does then."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lockproof.conformance.programs.tracing import trace
from lockproof.runners import shims

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from lockproof.conformance.programs.tracing import Called, Ending

__all__ = [
    "LOCK_CALLS",
    "MAP_LOCKED",
    "FaultRun",
    "Observed",
    "Reaction",
    "can_misbehave",
    "fault_runs",
    "last_line",
    "observe",
    "rule_for",
    "rules_for_every_call",
    "signal_name",
]

MAP_LOCKED = 0x2000  # asm-generic/mman.h, as on x86 and ARM
_LARGEST_OUTPUT = 1 << 20  # bytes that are read of what a program said

LOCK_CALLS = tuple(call for call in shims.CALLS if call != "msync")
"""What is made to misbehave; msync is a question about locks, and no lock."""

# What a kernel gives for these calls where memory or a limit is short (mlock(2), mmap(2)).
_USUAL_ERRNO = {"mmap": "EAGAIN"}


@dataclass(frozen=True, slots=True)
class Observed:
    """One run of the program."""

    ending: Ending
    calls: tuple[Called, ...]
    crashes: tuple[int, ...]
    """Signals by which processes that it started crashed."""
    stdout: str
    stderr: str


class Reaction(StrEnum):
    """What a program did when a call failed."""

    WENT_ON = "went on"
    EXITED = "exited"
    CRASHED = "crashed"
    HUNG = "hung"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class FaultRun:
    """One run in which a call was made to misbehave."""

    called: Called | None
    """As it was made when nothing failed; None: every call that the rules name is made to misbehave."""
    rule: str
    reaction: Reaction
    detail: str
    """Exit status or signal, and what the program said about it; empty where there is nothing to say."""
    ending: Ending


def observe(argv: Sequence[str], path: str, rules: str, limit: float) -> Observed:
    """Run the program once; `limit`: seconds. Raises TargetError where it cannot be started, or not be traced."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        told = trace(argv, path, rules, (out, errors), limit)
        return Observed(told.ending, told.calls, told.crashes, _text(out), _text(errors))


def fault_runs(
    argv: Sequence[str], path: str, plan: Sequence[tuple[Called | None, str]], undisturbed: Observed, limit: float
) -> Iterator[FaultRun]:
    """Run the program once for each call and text of rules of the plan.

    `undisturbed`: how it runs when nothing fails; `limit`: seconds.
    """
    for called, rule in plan:
        yield _judge(called, rule, observe(argv, path, rule, limit), undisturbed)


def can_misbehave(called: Called, manner: str) -> bool:
    """Tell whether a call can misbehave so: what MCL_FUTURE locks has no flag that could be taken away for a lie."""
    return called.call != "mmap" or manner != "lie" or bool(called.flags & MAP_LOCKED)


def rule_for(called: Called, manner: str, errno: str | None) -> str:
    """Return the rule that makes one call misbehave."""
    return str(shims.Rule(called.call, called.nth, called.nth, manner, _errno(called.call, manner, errno)))


def rules_for_every_call(rules: Sequence[shims.Rule]) -> str:
    """Return rules that make all calls misbehave that the given ones name, each with the errno usual for it."""
    calls = [(rule, call) for rule in rules for call in (LOCK_CALLS if _is_every(rule) else (rule.call,))]
    return ",".join(
        str(shims.Rule(call, rule.first, rule.last, rule.manner, _errno(call, rule.manner, rule.errno)))
        for rule, call in calls
    )


def _is_every(rule: shims.Rule) -> bool:
    return rule.call == "any" and rule.first == 1 and rule.last is None


def _errno(call: str, manner: str, errno: str | None) -> str | None:
    return None if manner == "lie" else errno or _USUAL_ERRNO.get(call, "ENOMEM")


def _text(file: BinaryIO) -> str:
    return os.pread(file.fileno(), _LARGEST_OUTPUT, 0).decode(errors="replace")


def _judge(called: Called | None, rule: str, seen: Observed, undisturbed: Observed) -> FaultRun:
    code, usual = seen.ending.code, undisturbed.ending.code
    said = _new_line(seen, undisturbed)
    if not any(call.manner for call in seen.calls):
        return FaultRun(called, rule, Reaction.NOT_REACHED, "it made fewer calls this time", seen.ending)
    crashes = list(Counter(seen.crashes) - Counter(undisturbed.crashes))
    if code is not None and code < 0 and code != usual:
        reaction, how = Reaction.CRASHED, signal_name(-code)
    elif crashes:
        reaction, how = Reaction.CRASHED, f"{signal_name(crashes[0])} of a process that it started"
    elif code == usual and seen.ending.outlived and not undisturbed.ending.outlived:
        reaction, how = Reaction.HUNG, f"what it started still runs after {seen.ending.seconds:.0f} s"
    elif code == usual:
        reaction, how = Reaction.WENT_ON, ""
    elif code is None:
        reaction, how = Reaction.HUNG, f"still running after {seen.ending.seconds:.0f} s"
    else:
        reaction, how = Reaction.EXITED, f"with {code}"
    return FaultRun(called, rule, reaction, ": ".join(part for part in (how, said) if part), seen.ending)


def signal_name(number: int) -> str:
    """Return the name of a signal, or its number where it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_line(seen: Observed) -> str:
    """Return the last line that the program said, on standard error before standard output; empty: there is none."""
    lines = [line.strip() for text in (seen.stdout, seen.stderr) for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _new_line(seen: Observed, undisturbed: Observed) -> str:
    """Return the last line that the program does not say otherwise, whatever numbers are in it."""
    for now, before in ((seen.stderr, undisturbed.stderr), (seen.stdout, undisturbed.stdout)):
        known = {_shape(line) for line in before.splitlines()}
        new = [line.strip() for line in now.splitlines() if line.strip() and _shape(line) not in known]
        if new:
            return new[-1]
    return ""


def _shape(line: str) -> str:
    return re.sub(r"[0-9]+", "0", " ".join(line.split()))
