# SPDX-License-Identifier: Apache-2.0
"""A byte stream to a probe: programs in, traces out, hangs and crashes seen.

A runner for a real kernel says which command starts a probe there; everything else is here. Programs are sent ahead, so
that the probe never waits for Python, and all waiting has a limit.
"""

from __future__ import annotations

import itertools
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.conformance.trace import TraceReader
from lockproof.runners.target import TargetInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lockproof.conformance.program import Program
    from lockproof.conformance.trace import Trace

__all__ = ["ProbeTarget", "executable", "host_probe"]

_SENT_AHEAD = 8  # programs; enough to hide the time that a trace takes in Python
_HELLO_LIMIT = 30.0  # seconds until a started probe has said hello
_GRACE = 10.0  # seconds beyond a program's own limit, in which the probe reports that it killed a hung process
_END_LIMIT = 5.0  # seconds until a probe whose input has ended must be gone
_LONGEST_LINE = 4 << 20  # bytes
_READ_SIZE = 1 << 16  # bytes
_TAIL = 500  # bytes of standard error that a message shows


def host_probe() -> str:
    """Give the path of the probe that was built for this machine. Raises UsageError where it cannot be executed."""
    return executable(
        str(files("lockproof") / "native" / "lockproof-probe"), "the probe of this machine", "install lockproof again"
    )


def executable(command: str, what: str, hint: str = "check the path and its x bit") -> str:
    """Give the path of a command that can be executed. Raises UsageError where there is none."""
    path = shutil.which(command)
    if path is None:
        there = os.path.exists(command)  # noqa: PTH110  it may be a name to look up, not a path
        msg = f"{what}: {command} {'is not executable' if there else 'is not found'}; {hint}"
        raise UsageError(msg)
    return path


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """A target whose probe a command starts."""

    name: str
    argv: tuple[str, ...]

    @contextmanager
    def session(self) -> Iterator[ProbeSession]:
        """Start the probe; leaving the context ends it. Raises TargetError."""
        session = ProbeSession(self.argv)
        try:
            yield session
        finally:
            session.close()


class _Sent(NamedTuple):
    program: Program
    reader: TraceReader


class ProbeSession:
    """A running probe, started again after it broke."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        """Start the probe. Raises TargetError where it cannot be started or says no hello."""
        self._argv = argv
        self._numbers = itertools.count()
        self._connection = _Connection(argv)
        self.info = self._connection.hello()

    def run(self, programs: Iterable[Program]) -> Iterator[Trace]:
        """Execute programs; see runners.target.Session."""
        coming = iter(programs)
        waiting: deque[_Sent] = deque()
        while True:
            for program in itertools.islice(coming, _SENT_AHEAD - len(waiting)):
                waiting.append(self._send(program))
            if not waiting:
                return
            first = waiting.popleft()
            try:
                yield self._connection.receive(first.reader, first.program.time_limit + _GRACE)
            except TargetError as trouble:
                self._start_again(trouble)
                waiting = deque(self._send(sent.program) for sent in waiting)
                yield first.reader.lost(str(trouble))

    def close(self) -> None:
        """End the probe and all its processes."""
        self._connection.close()

    def _send(self, program: Program) -> _Sent:
        name = f"p{next(self._numbers)}"
        self._connection.send(f"program {name}\n{program.text}end\n".encode())
        return _Sent(program, TraceReader(name, program.pages))

    def _start_again(self, trouble: TargetError) -> None:
        self._connection.close(at_once=True)
        try:
            self._connection = _Connection(self._argv)
            info = self._connection.hello()
        except TargetError as error:
            msg = f"{trouble}; and then could not be started again: {error}"
            raise TargetError(msg) from error
        if info.identity != self.info.identity:
            msg = f"{trouble}; and then came back as another target: {info.kernel} instead of {self.info.kernel}"
            raise TargetError(msg)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # a real-time signal


class _Connection:
    """One process and its two streams, neither of which is waited for without a limit."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the connection
        try:
            # A session of its own: a Ctrl-C on the terminal is for lockproof, which then ends the probe in good order.
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            msg = f"{argv[0]} cannot be started: {error.strerror}; check the path and its x bit"
            raise TargetError(msg) from error
        if self._process.stdin is None or self._process.stdout is None:
            msg = "the probe has no streams"
            raise TargetError(msg)
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        self._unsent = bytearray()
        self._unread = bytearray()
        self._lines: deque[bytes] = deque()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)

    def hello(self) -> TargetInfo:
        """Read the first line."""
        try:
            return TargetInfo.from_hello(self._line(time.monotonic() + _HELLO_LIMIT, _HELLO_LIMIT))
        except TargetError:
            self.close(at_once=True)
            raise

    def send(self, text: bytes) -> None:
        """Queue bytes for the probe, and write what it takes now."""
        self._unsent += text
        self._write()

    def receive(self, reader: TraceReader, limit: float) -> Trace:
        """Read until the trace is whole; `limit`: seconds from one line to the next."""
        while True:
            line = self._line(time.monotonic() + limit, limit)
            trace = reader.feed(line.decode(errors="backslashreplace"))
            if trace is not None:
                return trace

    def close(self, *, at_once: bool = False) -> None:
        """End the process, and whatever it started."""
        with suppress(OSError):
            self._in.close()
        if not at_once:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_LIMIT)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        self._out.close()
        self._errors.close()

    def _write(self) -> None:
        try:
            written = os.write(self._in.fileno(), self._unsent)
        except BlockingIOError:
            written = 0
        except BrokenPipeError:
            written = len(self._unsent)  # what is left to read says why
        del self._unsent[:written]

    def _line(self, deadline: float, limit: float) -> bytes:
        while not self._lines:
            self._wait(deadline, limit)
        return self._lines.popleft()

    def _wait(self, deadline: float, limit: float) -> None:
        if self._unsent and len(self._selector.get_map()) == 1:
            self._selector.register(self._in, selectors.EVENT_WRITE)
        ready = self._selector.select(max(0.0, deadline - time.monotonic()))
        if not ready:
            msg = f"no answer in {limit:g} s{self._tail()}"
            raise TargetError(msg)
        for key, _ in ready:
            if key.fileobj is self._in:
                self._write()
                if not self._unsent:
                    self._selector.unregister(self._in)
            else:
                self._read()

    def _read(self) -> None:
        data = os.read(self._out.fileno(), _READ_SIZE)
        if not data:
            raise TargetError(self._ended())
        self._unread += data
        *lines, rest = self._unread.split(b"\n")
        self._lines += map(bytes, lines)
        self._unread = rest
        if len(rest) > _LONGEST_LINE:
            msg = f"not the protocol, a line longer than {_LONGEST_LINE} bytes: {bytes(rest[:100])!r}…"
            raise TargetError(msg)

    def _ended(self) -> str:
        try:
            code = self._process.wait(_END_LIMIT)
        except subprocess.TimeoutExpired:
            return f"the probe closed its output and went on running{self._tail()}"
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit status {code}"
        cut = f" in the middle of a line, {bytes(self._unread[:100])!r}" if self._unread else ""
        return f"the probe {how}{cut}{self._tail()}"

    def _tail(self) -> str:
        """Give the last words on standard error."""
        # pread: the process writes at the position that it shares with this file.
        size = os.fstat(self._errors.fileno()).st_size
        tail = os.pread(self._errors.fileno(), _TAIL, max(0, size - _TAIL))
        text = " ".join(tail.decode(errors="replace").split())
        return f"; it said: {text}" if text else ""
