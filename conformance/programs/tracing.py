# SPDX-License-Identifier: Apache-2.0
"""A program under lockproof-tracer (native/tracer), which tells each call and each end as a line of JSON."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from lockproof.conformance.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

__all__ = ["Called", "Ending", "Traced", "trace"]

_TIME_TO_END = 2.0  # seconds from a signal to the next
_CHUNK = 1 << 16  # bytes
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS}


class Called(NamedTuple):
    """A memory-lock call that a program made."""

    call: str
    nth: int
    """Number among the calls of this name, in all processes of the program; from 1."""
    address: str
    length: int
    flags: int
    caller: str
    """Path of the library or program that called; ? where that is not known."""
    manner: str | None
    """How it was made to misbehave."""
    result: str
    """0, or an errno."""


class Ending(NamedTuple):
    """How the program ended."""

    code: int | None
    """Exit status; negative: the number of the signal that it died of; None: it was still running."""
    seconds: float
    outlived: bool
    """Whether something that it started was still running when it had ended; that is ended then."""


class Traced(NamedTuple):
    """What the tracer told of one run."""

    ending: Ending
    calls: tuple[Called, ...]
    crashes: tuple[int, ...]
    """Signals by which processes that the program started crashed."""


class _Told:
    """What it has told so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.code: int | None = None
        self.calls: list[Called] = []
        self.crashes: list[int] = []

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for, whatever still runs: the program has ended, and something crashed."""
        return self.code is not None and (self.code < 0 or bool(self.crashes))

    def take(self, line: bytes) -> None:
        told: dict[str, Any] = json.loads(line)
        if "trouble" in told:
            raise TargetError(_cannot_start(self.name, told["trouble"]))
        if "call" in told:
            self.take_call(told)
        elif told["is_program"]:
            self.code = told["code"]
        elif -told["code"] in _CRASHES:
            self.crashes.append(-told["code"])

    def take_call(self, told: dict[str, Any]) -> None:
        known = {name: told[name] for name in Called._fields}
        self.calls.append(Called(**known | {"caller": told["caller"] or "?"}))


def trace(argv: Sequence[str], path: str, rules: str, outputs: tuple[BinaryIO, BinaryIO], limit: float) -> Traced:
    """Run a program, whose standard outputs are files, for `limit` seconds; what still runs then is ended.

    Raises TargetError where it cannot be started, or not be traced.
    """
    told = _Told(argv[0])
    began = time.monotonic()
    with _tracer(argv, path, rules, outputs) as (process, stream):
        outlived = False
        for line in _lines(stream, began + limit):
            told.take(line)
            if told.is_over:
                break
        else:
            outlived = told.code is not None and time.monotonic() >= began + limit
        ending = Ending(told.code, time.monotonic() - began, outlived)
        for line in _end(process, stream):
            if b'"call"' in line:
                told.take(line)
    return Traced(ending, tuple(told.calls), tuple(told.crashes))


@contextmanager
def _tracer(
    argv: Sequence[str], path: str, rules: str, outputs: tuple[BinaryIO, BinaryIO]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start the tracer; also the descriptor that it tells by. It ends with this process, and what it traces with it."""
    tracer = str(files("lockproof") / "native" / "lockproof-tracer")
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            [tracer, str(writing), rules, path, *argv],
            stdin=subprocess.DEVNULL,
            stdout=outputs[0],
            stderr=outputs[1],
            pass_fds=[writing],
            start_new_session=True,
        )
    except OSError as error:
        msg = f"{tracer}: cannot be started: {error.strerror}; install lockproof again"
        raise TargetError(msg) from error
    finally:
        os.close(writing)
    try:
        yield process, reading
        if process.wait():
            msg = f"{argv[0]}: its tracer ended with {process.returncode}, and said: {_last_line(outputs[1])}"
            raise TargetError(msg)
    finally:
        process.kill()
        process.wait()
        os.close(reading)


def _lines(stream: int, deadline: float) -> Iterator[bytes]:
    """Return whole lines until the tracer has ended, or until the deadline."""
    rest = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([stream], [], [], left)[0]:
            continue
        chunk = os.read(stream, _CHUNK)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def _end(process: subprocess.Popen[bytes], stream: int) -> Iterator[bytes]:
    """End all processes of the program, first as they may expect it; return what is told meanwhile."""
    for _ in range(2):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        yield from _lines(stream, time.monotonic() + _TIME_TO_END)


def _cannot_start(name: str, trouble: str) -> str:
    what, _, why = trouble.partition(": ")
    if what == "exec":
        return f"{name} cannot be started: {why}"
    return f"{name} cannot be traced: {trouble}; ptrace and seccomp filters must be allowed here (Linux 5.3 or later)"


def _last_line(file: BinaryIO) -> str:
    text = os.pread(file.fileno(), _CHUNK, max(0, os.fstat(file.fileno()).st_size - _CHUNK)).decode(errors="replace")
    return (text.strip().splitlines() or ["nothing"])[-1]
