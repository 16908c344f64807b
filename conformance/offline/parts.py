# SPDX-License-Identifier: Apache-2.0
"""The file of traces that run.sh appends to: a part for each start of it, in each the answers of a probe.

{"start":1,"boot":"…"}              by the script: which start it is, and the boot of the kernel
{"hello":{…}}                       by the probe, and the traces of programs
{"sum":…}                           after what it has written at a time (native/probe/PROTOCOL.md)
{"finish":1,"taint":0}              by the script, when all programs have run

A part that has no finish ended early: the program under way then, if any, was given up. What the probe had written
without a sum behind it is dropped: it may be cut. Where the next part is of another boot, the machine had gone down.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError

from lockproof.conformance.errors import TargetError, first_mistake
from lockproof.conformance.protocol.trace import Crash, TraceReader
from lockproof.runners.target import TargetInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.protocol.trace import Trace

__all__ = ["Followed", "Part", "follow", "parts"]

_T = TypeVar("_T")
_START, _FINISH = b'{"start":', b'{"finish":'
_SUM = re.compile(rb'\{"sum":(\d{1,10})\}')
_END = re.compile(r'\{"end":"([^"]*)"')
_WENT_DOWN = "the kernel rebooted or switched off"
"""As of a guest that says nothing more."""


@dataclass(frozen=True, slots=True)
class _Start:
    __pydantic_config__ = ConfigDict(extra="forbid")

    start: int
    boot: Annotated[str, StringConstraints(pattern="^[0-9a-f-]{0,36}$")]


@dataclass(frozen=True, slots=True)
class _Finish:
    __pydantic_config__ = ConfigDict(extra="forbid")

    finish: int
    taint: int | None


class Line(NamedTuple):
    """A line of the probe."""

    number: int
    """In the file, from 1."""
    text: str


@dataclass(slots=True)
class Part:
    """What one start of the script came to."""

    boot: str
    """Of the kernel; empty: it could not be read."""
    lines: list[Line] = field(default_factory=list)
    """What the probe wrote, without what may be cut."""
    finished: bool = False
    taint: int | None = None
    """The kernel's taint when all programs had run."""


@cache
def _adapters() -> tuple[TypeAdapter[_Start], TypeAdapter[_Finish]]:
    return TypeAdapter(_Start), TypeAdapter(_Finish)


def _said(adapter: TypeAdapter[_T], line: bytes, number: int) -> _T:
    try:
        return adapter.validate_json(line, strict=True)
    except ValidationError as error:
        raise _wrong(number, f"not a line of run.sh: {first_mistake(error)}") from error


def _wrong(number: int, what: str) -> ValueError:
    return ValueError(f"traces:{number}: {what}")


def parts(content: bytes) -> Sequence[Part]:
    """Take the file apart. Raises ValueError, whose text says where and why, where it was edited, cut or doubled."""
    reader = _PartsReader()
    for number, line in enumerate(content.split(b"\n"), 1):
        reader.feed(line, number)
    if not reader.parts:
        raise _wrong(1, "nothing ran; start run.sh on the machine")
    return reader.parts


class _PartsReader:
    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._waiting: list[tuple[int, bytes]] = []
        """Lines whose sum is still to come."""
        self._sum = 0

    def feed(self, line: bytes, number: int) -> None:
        """Take the next line. Raises ValueError."""
        if self.parts and self.parts[-1].finished and line:
            raise _wrong(number, "something behind the end of all programs: doubled, or of another file")
        if line.startswith(_START):
            self._start(line, number)
        elif not self.parts:
            if line:
                raise _wrong(number, "it does not begin with a start of run.sh: cut, or another file")
        elif line.startswith(_FINISH):
            self._finish(line, number)
        elif said := _SUM.fullmatch(line):
            self._keep(int(said[1]), number)
        else:
            self._waiting.append((number, line))

    def _start(self, line: bytes, number: int) -> None:
        start = _said(_adapters()[0], line, number)
        if start.start != len(self.parts) + 1:
            raise _wrong(number, f"start {start.start} of run.sh, where {len(self.parts) + 1} belongs")
        self.parts.append(Part(start.boot))
        self._waiting, self._sum = [], 0

    def _finish(self, line: bytes, number: int) -> None:
        finish = _said(_adapters()[1], line, number)
        if self._waiting or finish.finish != len(self.parts):
            raise _wrong(number, "the end of all programs in the middle of one, or of another start")
        self.parts[-1].finished, self.parts[-1].taint = True, finish.taint

    def _keep(self, said: int, number: int) -> None:
        self._sum = zlib.crc32(b"".join(line + b"\n" for _, line in self._waiting), self._sum)
        if said != self._sum:
            first = self._waiting[0][0] if self._waiting else number
            raise _wrong(first, f"edited, or not all there: lines {first} to {number} do not have the sum in the last")
        self.parts[-1].lines += [Line(at, line.decode("ascii", "backslashreplace")) for at, line in self._waiting]
        self._waiting = []


@dataclass(slots=True)
class Followed:
    """What became of the programs."""

    info: TargetInfo
    """What the machine said of itself at first."""
    traces: list[Trace] = field(default_factory=list)
    went_down: int = 0
    """How often the machine did."""
    taint: int | None = None
    """The kernel's at the end."""


def follow(found: Sequence[Part], programs: Mapping[str, Program]) -> Followed:
    """Find the trace of each program, in their order.

    Raises ValueError, whose text says where and why, where they are not all there once and in order, or where parts are
    of several machines.
    """
    first = next((part for part in found if part.lines), None)
    if first is None:
        msg = "traces: no probe said hello: it could not be started, or broke the machine at once"
        raise ValueError(msg)
    follower = _Follower(list(programs.items()), Followed(_hello(first.lines[0])))
    for part, later in zip_longest(found, found[1:]):
        if part.lines:
            follower.follow(part, later)
    done, count = len(follower.followed.traces), len(programs)
    if not found[-1].finished:
        msg = (
            f"traces: they end with program {done} of {count}: cut, or run.sh did not come to its end; "
            "start it again on the machine, it goes on there"
        )
        raise ValueError(msg)
    if done < count or not found[-1].lines:
        msg = f"traces: all programs have run, it says, but {count - done} of {count} have no trace"
        raise ValueError(msg)
    follower.followed.taint = found[-1].taint
    return follower.followed


def _hello(line: Line) -> TargetInfo:
    try:
        return TargetInfo.from_hello(line.text)
    except TargetError as error:
        raise _wrong(line.number, str(error)) from error


class _Follower:
    def __init__(self, programs: Sequence[tuple[str, Program]], followed: Followed) -> None:
        self.followed = followed
        self._programs = programs
        self._numbers = {name: number for number, (name, _) in enumerate(programs)}
        self._reader: TraceReader | None = None
        """Of the program under way."""

    def follow(self, part: Part, later: Part | None) -> None:
        """Take the traces of a part, in which a probe said hello; `later`: the next one. Raises ValueError."""
        info, before = _hello(part.lines[0]), self.followed.info
        if (info.identity, info.probe) != (before.identity, before.probe):
            msg = f"another kernel or probe than before: {info.kernel}, build {info.build_id or 'not known'}"
            raise _wrong(part.lines[0].number, msg)
        for line in part.lines[1:]:
            self._take(line)
        if part.finished and self._reader is not None:
            raise _wrong(part.lines[-1].number, "the end of all programs in the middle of one")
        if not part.finished and later is not None and len(self.followed.traces) < len(self._programs):
            self._give_up({part.boot, later.boot})

    def _take(self, line: Line) -> None:
        done = len(self.followed.traces)
        if done == len(self._programs):
            raise _wrong(line.number, "something behind the trace of the last program")
        reader = self._of_program()
        ended = _END.match(line.text)
        if ended and ended[1] != reader.program:
            raise _wrong(line.number, self._displaced(ended[1], done))
        try:
            trace = reader.feed(line.text)
        except TargetError as error:
            raise _wrong(line.number, str(error)) from error
        if trace is not None:
            self._ended(trace)

    def _of_program(self) -> TraceReader:
        if self._reader is None:
            name, program = self._programs[len(self.followed.traces)]
            self._reader = TraceReader(name, program.pages)
        return self._reader

    def _ended(self, trace: Trace) -> None:
        self.followed.traces.append(trace)
        self._reader = None

    def _displaced(self, name: str, wanted: int) -> str:
        number = self._numbers.get(name)
        what = f"the trace of program {name!r:.100}, where that of number {wanted + 1} belongs"
        if number is None:
            return f"{what}: of another corpus"
        return f"{what}: {'doubled or reordered' if number < wanted else 'reordered, or some are missing'}"

    def _give_up(self, boots: set[str]) -> None:
        """Say what became of the program under way when a part ended early."""
        reader = self._of_program()
        if "" in boots:
            self._ended(reader.lost("the probe ended in the middle of it; whether the machine went down is not known"))
        elif len(boots) == 1:
            self._ended(reader.lost("the probe ended in the middle of it, and the machine did not go down"))
        else:
            self.followed.went_down += 1
            self._ended(reader.crashed(Crash(_WENT_DOWN, ())))
