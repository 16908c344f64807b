# SPDX-License-Identifier: Apache-2.0
"""A session with a probe: programs in, traces out, hangs and crashes seen.

A runner for a real kernel says how a probe is started there; everything else is here. Programs are sent ahead, so
that the probe never waits for Python.
"""

from __future__ import annotations

import itertools
import tempfile
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import TargetError
from lockproof.runners.probe.connection import Connection, Pipes, start_process
from lockproof.runners.target import TargetInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.protocol.trace import Trace, TraceReader

__all__ = ["ProbeSession", "ProbeTarget"]

_HELLO_LIMIT = 30.0  # seconds until a started probe has said hello
_SENT_AHEAD = 8  # programs; enough to hide the time that a trace takes in Python
_BYTES_AHEAD = 16384  # of programs; a terminal drops what is too much for its buffers
_GRACE = 10.0  # seconds beyond a program's own limit, in which the probe reports that it killed a hung process
_MOST_BREAKS = 20  # programs in a row that break a target, before it is given up


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """A target whose probe a command starts."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is added to the environment of the probe."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The path of the `probe`; none: what the command starts is not known."""

    @contextmanager
    def session(self) -> Iterator[ProbeSession]:
        """Start the probe, without waiting for it; leaving the context ends it. Raises TargetError."""
        session = ProbeSession(self._connect)
        try:
            yield session
        finally:
            session.close()

    def _connect(self) -> Connection:
        errors = tempfile.TemporaryFile("a+b")  # noqa: SIM115  closed with the connection
        process = start_process(self.argv, errors, environment=self.environment)
        return Connection(process, Pipes(process), errors)


class _Sent(NamedTuple):
    program: Program
    reader: TraceReader


class ProbeSession:
    """A probe that was started, and is started again after it broke."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        hello_limit: float = _HELLO_LIMIT,
        complete: Callable[[TargetInfo], TargetInfo] | None = None,
    ) -> None:
        """Start the probe; it has so many seconds to say hello. Raises TargetError where it cannot be started.

        `complete`: adds what is known besides to what the probe found, or raises TargetError where that cannot be.
        """
        self._complete = complete
        self._connect = connect
        self._hello_limit = hello_limit
        self._numbers = itertools.count()
        self._waiting: deque[_Sent] = deque()
        self._breaks = 0
        self._connection = connect()
        self._info: TargetInfo | None = None
        self._is_given_up = False

    @property
    def info(self) -> TargetInfo:
        """What the target can do; waits for it the first time. Raises TargetError where it does not come."""
        if self._info is None:
            self._info = self._hello()
        return self._info

    @property
    def about(self) -> str:
        """One line for people on how it was started, once it was; empty where there is nothing to say."""
        return self._connection.about

    def run(self, programs: Iterable[Program]) -> Iterator[Trace]:
        """Execute programs; see runners.target.Session."""
        coming = iter(programs)
        self._info = self.info  # nobody reads what is sent before the hello
        while True:
            while self._has_room() and (program := next(coming, None)) is not None:
                self._waiting.append(self._send(program))
            if not self._waiting:
                return
            first = self._waiting[0]
            try:
                trace = self._receive(first)
                self._breaks = 0
            except TargetError as trouble:
                if self._is_given_up:
                    raise
                trace = self._broken(first, trouble)
            self._waiting.popleft()
            yield trace

    def give_up(self) -> None:
        """See runners.target.Session."""
        self._is_given_up = True
        self._connection.give_up()

    def close(self) -> None:
        """End the probe and all its processes; programs that are under way are given up."""
        self._connection.close(at_once=bool(self._waiting) or self._info is None or self._is_given_up)

    def _has_room(self) -> bool:
        ahead = sum(len(sent.program.text) for sent in self._waiting)
        return len(self._waiting) < _SENT_AHEAD and ahead < _BYTES_AHEAD

    def _send(self, program: Program) -> _Sent:
        # Not before the target was started: it takes its time.
        from lockproof.conformance.protocol.trace import TraceReader  # noqa: PLC0415

        name = f"p{next(self._numbers)}"
        self._connection.send(f"program {name}\n{program.text}end\n".encode())
        return _Sent(program, TraceReader(name, program.pages))

    def _hello(self) -> TargetInfo:
        info = TargetInfo.from_hello(self._connection.first_line(self._hello_limit))
        return self._complete(info) if self._complete is not None else info

    def _receive(self, sent: _Sent) -> Trace:
        limit = sent.program.time_limit + _GRACE  # from one line to the next
        while (trace := sent.reader.feed(self._connection.line(limit))) is None:
            pass
        self._connection.answered(trace.log)
        return trace

    def _broken(self, first: _Sent, trouble: TargetError) -> Trace:
        """Say what became of the program that was under way, and start again for those behind it."""
        crash = self._connection.crash(trouble)
        self._start_again(trouble)
        behind = list(self._waiting)[1:]
        self._waiting = deque([first, *(self._send(sent.program) for sent in behind)])
        if crash is not None:
            return first.reader.crashed(crash)
        return first.reader.lost(str(trouble))

    def _start_again(self, trouble: TargetError) -> None:
        self._connection.close(at_once=True)
        self._breaks += 1
        if self._breaks > _MOST_BREAKS:
            msg = f"{trouble}; given up: {self._breaks} programs in a row broke the target"
            raise TargetError(msg)
        try:
            self._connection = self._connect()
            if self._is_given_up:  # in between
                self._connection.give_up()
            info = self._hello()
        except TargetError as error:
            msg = f"{trouble}; and then could not be started again: {error}"
            raise TargetError(msg) from error
        if info.identity != self.info.identity:
            msg = f"{trouble}; and then came back as another target: {info.kernel} instead of {self.info.kernel}"
            raise TargetError(msg)
