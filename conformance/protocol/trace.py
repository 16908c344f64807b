# SPDX-License-Identifier: Apache-2.0
"""What a target reported: the lines of native/probe/PROTOCOL.md as data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping  # noqa: TC003  pydantic reads the annotations
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from lockproof.conformance.errors import TargetError, first_mistake
from lockproof.conformance.language import strips

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "Change",
    "Crash",
    "Elsewhere",
    "Ended",
    "Execution",
    "Snapshot",
    "StepTrace",
    "SystemTrace",
    "Trace",
    "TraceReader",
    "lost",
    "merged",
    "read_trace",
]


def _strip(allowed: str, text: str) -> str:
    return strips.expand(text, allowed)


_Locks = Annotated[str, AfterValidator(partial(_strip, "LF._"))]
_Residency = Annotated[str, AfterValidator(partial(_strip, "R._"))]
_Boundaries = Annotated[str, AfterValidator(partial(_strip, "|-_"))]
_STRICT = ConfigDict(extra="forbid")


class Ended(StrEnum):
    """How an execution ended."""

    DONE = "done"
    SETUP = "setup"
    TROUBLE = "trouble"
    DIED = "died"
    KILLED = "killed"
    OOM = "oom"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Pages outside the arena."""

    mapped: int
    locked: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The address space at one moment; None where the target cannot see something."""

    __pydantic_config__ = _STRICT

    locked: Mapping[str, _Locks]
    """A strip for each observer; of a target that has none, there is none."""
    resident: _Residency | None
    mappings: _Boundaries | None
    accounted: int | None
    """The target's own count of locked pages (VmLck)."""
    elsewhere: Elsewhere | None


Change = tuple[int, int]
"""A number before and after."""


@dataclass(frozen=True, slots=True)
class SystemTrace:
    """What the whole system had when the target was started, and has now that it has settled; None: not readable."""

    __pydantic_config__ = _STRICT

    mlocked: Change | None
    """Pages."""
    vm_areas: Change | None
    """Objects in the kernel's cache of mappings."""


@dataclass(frozen=True, slots=True)
class StepTrace:
    """One step that was made."""

    __pydantic_config__ = _STRICT

    step: int
    """Its number in the program, from 0."""
    result: str
    """`0`, or the symbolic errno."""
    snapshot: Snapshot
    """What the address space looks like after it."""
    fault: Literal["not-reached", "failed", "absorbed"] | None = None
    """What became of the fault that was armed for it."""
    stack: tuple[str, ...] = ()
    """The functions that asked for the allocation that failed, innermost first, where the target tells."""
    results: tuple[tuple[str, ...], ...] = ()
    """Of calls that threads made at the same time: what each gave, different results once."""
    system: SystemTrace | None = None
    """What a step that settles the system found."""
    page_faults: int | None = None
    """That an access to memory took; None: not counted."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of a program, in a process of its own."""

    number: int
    """Which allocation was made to fail; 0: none."""
    status: Ended
    before: Snapshot | None
    steps: tuple[StepTrace, ...]
    """In the order in which they ended: those of a forked child before the fork."""
    reason: str | None = None
    """Why the set-up failed, or what the target lacked for the step under way."""
    signal: str | None = None
    """Which signal ended the process."""
    at_step: int | None = None
    """The step under way when the process ended; -1: set-up or first snapshot."""


@dataclass(frozen=True, slots=True)
class Crash:
    """The end of a kernel under test."""

    what: str
    """In one line."""
    log: tuple[str, ...]
    """The last of what it said."""
    hung: bool = False
    """Whether it fell silent without a word."""


@dataclass(frozen=True, slots=True)
class Trace:
    """All that became of a program."""

    executions: tuple[Execution, ...]
    trouble: str | None = None
    """Why the target did not run the program to its end: refused, died, garbage on its stream."""
    lines: tuple[str, ...] = field(default=(), compare=False)
    """The lines as they came, the evidence; `read_trace` makes the trace of them again. Not compared: they name the
    program.
    """
    crash: Crash | None = None
    """How the kernel broke while the program was under way."""
    taint: Change | None = None
    """/proc/sys/kernel/tainted before and after, where it changed."""
    log: tuple[str, ...] = ()
    """What the kernel logged meanwhile, where nothing else runs on it."""


def lost(trouble: str, executions: Sequence[Execution] = (), lines: Sequence[str] = ()) -> Trace:
    """Return the trace of a program that a target did not run to its end, with what it reported before."""
    return Trace(tuple(executions), trouble, (*lines, _line({"lost": trouble})))


def merged(traces: Sequence[Trace]) -> Trace:
    """One trace of what several sessions of a target made of one program."""
    return Trace(
        tuple(execution for trace in traces for execution in trace.executions),
        next((trace.trouble for trace in traces if trace.trouble is not None), None),
        tuple(line for trace in traces for line in trace.lines),
        next((trace.crash for trace in traces if trace.crash is not None), None),
        next((trace.taint for trace in traces if trace.taint is not None), None),
        tuple(line for trace in traces for line in trace.log),
    )


@dataclass(frozen=True, slots=True)
class _Before:
    __pydantic_config__ = _STRICT

    before: Snapshot


@dataclass(frozen=True, slots=True)
class _Closed:
    __pydantic_config__ = _STRICT

    execution: int
    status: Ended
    reason: str | None = None
    signal: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class _Refused:
    __pydantic_config__ = _STRICT

    refused: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class _End:
    __pydantic_config__ = _STRICT

    end: str
    taint: Change | None = None
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Crashed:
    """What lockproof itself adds where the kernel broke."""

    __pydantic_config__ = _STRICT

    crash: str
    log: tuple[str, ...] = ()
    hung: bool = False


@dataclass(frozen=True, slots=True)
class _Lost:
    """What lockproof itself adds where the target broke."""

    __pydantic_config__ = _STRICT

    lost: str


_Part = _Before | StepTrace | _Closed | _Refused | _End | _Crashed | _Lost
_KINDS: dict[str, type[Any]] = {
    "before": _Before,
    "step": StepTrace,
    "execution": _Closed,
    "refused": _Refused,
    "end": _End,
    "crash": _Crashed,
    "lost": _Lost,
}
_OURS = ("crash", "lost")
_FIRST_KEY = re.compile(rf'\{{"({"|".join(_KINDS)})":')
_MOST_EXECUTIONS = 10000
_MOST_STEPS = 256
"""Of a program, and so of an execution."""
_MOST_CHARACTERS = 64 << 20
"""Of a trace."""
_MOST_PAGES = 256 << 20
"""Of all strips of a trace, which are much longer than their lines."""
_REMEMBERED = 256
"""Lines: executions of the same program mostly report the same."""
_SHORT = 4096
"""Characters of a line that is remembered."""


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(_KINDS[kind])


def _part(line: str, *, ours: bool = False) -> _Part:
    """Return what a line says; `ours`: whether it may be one of those that lockproof adds. Raises TargetError."""
    kind = _FIRST_KEY.match(line)
    if kind is None or (kind[1] in _OURS and not ours):
        raise _garbage(line, "no line of a trace")
    try:
        return (_remembered if len(line) <= _SHORT else _validated)(kind[1], line)
    except ValidationError as error:
        raise _garbage(line, first_mistake(error)) from error


def _validated(kind: str, line: str) -> _Part:
    part: _Part = _adapter(kind).validate_json(line)
    return part


_remembered = lru_cache(_REMEMBERED)(_validated)


def read_trace(lines: Iterable[str], pages: int) -> Trace:
    """Return the trace that was kept as these lines; `pages`: of the arena. Raises TargetError where they are none."""
    traces: list[Trace] = []
    reader = TraceReader(None, pages)
    for line in lines:
        trace = reader.feed(line)
        if trace is not None:
            traces.append(trace)
            reader = TraceReader(None, pages)
    if reader.lines:
        raise _garbage(reader.lines[-1], "the last line of a trace that is not whole")
    return traces[0] if len(traces) == 1 else merged(traces)


class TraceReader:
    """Puts the lines of one program together; the first key of a line says what the line is."""

    def __init__(self, program: str | None, pages: int) -> None:
        """Read the trace of the program that was sent under this name, with an arena of so many pages.

        None: it was kept, under whatever name, and may end with a line of lockproof's own.
        """
        self.program = program
        self.pages = pages
        self.lines: list[str] = []
        self._executions: list[Execution] = []
        self._before: Snapshot | None = None
        self._steps: list[StepTrace] = []
        self._refused: str | None = None
        self._characters = self._pages = 0

    def feed(self, line: str) -> Trace | None:
        """Take the next line; gives the trace when it was the last. Raises TargetError where it is not the protocol."""
        self._characters += len(line)
        if self._characters > _MOST_CHARACTERS:
            raise _garbage(line, f"a trace longer than {_MOST_CHARACTERS >> 20} MiB")
        part = _part(line, ours=self.program is None)
        self.lines.append(line)
        match part:
            case _Before(before):
                self._begin(before, line)
            case StepTrace():
                self._add(part, line)
            case _Closed():
                self._close(part, line)
            case _Refused():
                self._refused = f"the target refused line {part.line} of the program: {part.reason}"
            case _End():
                if self.program is not None and part.end != self.program:
                    raise _garbage(line, f"the end of another program than {self.program}")
                return self._finished(part, line)
            case _Crashed():
                crash = Crash(part.crash, part.log, part.hung)
                return Trace(tuple(self._executions), lines=tuple(self.lines), crash=crash)
            case _Lost():
                return Trace(tuple(self._executions), part.lost, tuple(self.lines))
        return None

    def lost(self, trouble: str) -> Trace:
        """Return the trace of what was reported before the stream broke."""
        return lost(trouble, self._executions, self.lines)

    def crashed(self, crash: Crash) -> Trace:
        """Return the trace of a program under which the kernel broke."""
        hung = {"hung": True} if crash.hung else {}
        lines = (*self.lines, _line({"crash": crash.what, "log": list(crash.log), **hung}))
        return Trace(tuple(self._executions), lines=lines, crash=crash)

    def _finished(self, end: _End, line: str) -> Trace:
        if not self._executions and self._refused is None:
            raise _garbage(line, "the end of a program that was not executed")
        if self._before is not None or self._steps:
            raise _garbage(line, "the end of a program in the middle of an execution")
        return Trace(tuple(self._executions), self._refused, tuple(self.lines), taint=end.taint, log=end.log)

    def _begin(self, before: Snapshot, line: str) -> None:
        self._check(before, line)
        if self._before is not None or self._steps:
            raise _garbage(line, "a first snapshot that is not the first of its execution")
        self._before = before

    def _add(self, step: StepTrace, line: str) -> None:
        self._check(step.snapshot, line)
        if any(step.step == other.step for other in self._steps):
            raise _garbage(line, f"step {step.step} a second time in one execution")
        if len(self._steps) == _MOST_STEPS:
            raise _garbage(line, f"more than {_MOST_STEPS} steps in one execution")
        self._steps.append(step)

    def _close(self, closed: _Closed, line: str) -> None:
        if len(self._executions) == _MOST_EXECUTIONS:
            raise _garbage(line, f"more than {_MOST_EXECUTIONS} executions of one program")
        self._executions.append(
            Execution(
                closed.execution,
                closed.status,
                self._before,
                tuple(self._steps),
                closed.reason,
                closed.signal,
                closed.step,
            )
        )
        self._before, self._steps = None, []

    def _check(self, snapshot: Snapshot, line: str) -> None:
        seen = (*snapshot.locked.values(), snapshot.resident, snapshot.mappings)
        if any(strip is not None and len(strip) != self.pages for strip in seen):
            raise _garbage(line, f"a strip that is not {self.pages} pages long")
        self._pages += self.pages * sum(strip is not None for strip in seen)
        if self._pages > _MOST_PAGES:
            raise _garbage(line, f"strips of more than {_MOST_PAGES >> 20} Mi pages")


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _garbage(line: str, what: str) -> TargetError:
    shown = 120
    text = line if len(line) <= shown else f"{line[:shown]}…"
    return TargetError(f"not the protocol, {what}: {text!r}")
