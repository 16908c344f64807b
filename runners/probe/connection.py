# SPDX-License-Identifier: Apache-2.0
"""One started probe: its process, the lines that come from it, and what it says when it breaks.

Nothing is waited for without a limit. What carries the bytes is a `Stream`: the standard input and output of the
process here, memory shared with a guest in guest/mailbox.py. What the lines mean is the session's business.
"""

from __future__ import annotations

import errno
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Protocol

from lockproof.conformance.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockproof.conformance.protocol.trace import Crash

__all__ = ["Connection", "Pipes", "SilentError", "Stream", "start_process"]

_END_LIMIT = 5.0  # seconds until a probe whose input has ended must be gone
_LONGEST_LINE = 4 << 20  # bytes
_READ_SIZE = 1 << 16  # bytes
_SHORT_OF = {
    errno.EMFILE: "raise ulimit -n, or run fewer at a time (-j)",
    errno.ENFILE: "raise fs.file-max, or run fewer at a time (-j)",
    errno.EAGAIN: "raise ulimit -u, or run fewer at a time (-j)",
    errno.ENOMEM: "make memory free, or run fewer at a time (-j)",
}
"""What to do where the program is not to blame."""
_TAIL = 500  # bytes of standard error that a message shows
_MOST_ERRORS = 1 << 20  # bytes of standard error that are kept
_LOOK = 0.25  # seconds between two looks whether it is still waited for


class SilentError(TargetError):
    """Nothing came within the limit."""


class Stream(Protocol):
    """Bytes to and from a probe. Nothing but `wait` waits."""

    def send(self, data: bytes | bytearray) -> int:
        """Take as many of the bytes as there is room for, and return how many."""

    def receive(self) -> bytes | None:
        """Return what has come: b"" nothing yet, None nothing any more."""

    def wait(self, seconds: float, *, to_send: bool) -> bool:
        """Wait until something has come, or there is room to send where that is asked; False: not in this time."""

    def end(self) -> None:
        """Say that nothing more will be sent."""

    def close(self) -> None:
        """Release everything."""


class Pipes:
    """The standard input and output of a process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Take the pipes of a process that was started with them."""
        if process.stdin is None or process.stdout is None:
            msg = "the probe has no streams"
            raise TargetError(msg)
        self._in, self._out = process.stdin, process.stdout
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._to_send = False

    def send(self, data: bytes | bytearray) -> int:
        """See Stream. Where nobody reads any more, everything is taken: what is left to receive says why."""
        try:
            return os.write(self._in.fileno(), data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            return len(data)

    def receive(self) -> bytes | None:
        """See Stream."""
        try:
            return os.read(self._out.fileno(), _READ_SIZE) or None
        except BlockingIOError:
            return b""

    def wait(self, seconds: float, *, to_send: bool) -> bool:
        """See Stream."""
        if to_send != self._to_send:
            self._to_send = to_send
            if to_send:
                self._selector.register(self._in, selectors.EVENT_WRITE)
            else:
                self._selector.unregister(self._in)
        return bool(self._selector.select(max(0.0, seconds)))

    def end(self) -> None:
        """See Stream."""
        with suppress(OSError):
            self._in.close()

    def close(self) -> None:
        """See Stream."""
        self._selector.close()
        with suppress(OSError):
            self._in.close()
        self._out.close()


def start_process(
    argv: Sequence[str], errors: BinaryIO, *, pass_fds: Sequence[int] = (), environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process with pipes; what it says on standard error goes to a file. Raises TargetError.

    `environment`: what is added to the one that there is.
    """
    try:
        # A session of its own: a Ctrl-C on the terminal is for lockproof, which then ends the probe in good order.
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            start_new_session=True,
            pass_fds=pass_fds,
            env=os.environ | environment if environment else None,
        )
    except OSError as error:
        errors.close()
        hint = _SHORT_OF.get(error.errno or 0, "check the path and its x bit")
        msg = f"{argv[0]} cannot be started: {error.strerror}; {hint}"
        raise TargetError(msg) from error


class Connection:
    """A started process that sends lines on a stream."""

    WHO = "the probe"
    """What the process is, in messages."""

    def __init__(self, process: subprocess.Popen[bytes], stream: Stream, errors: BinaryIO) -> None:
        """Take over a process, the stream to its probe, and the file of its standard error."""
        self._process = process
        self._stream = stream
        self._errors = errors
        self._unsent = bytearray()
        self._unread = bytearray()
        self._lines: deque[bytes] = deque()
        self._is_given_up = False

    @property
    def about(self) -> str:
        """One line for people on how it was started; empty where there is nothing to say."""
        return ""

    def send(self, text: bytes) -> None:
        """Queue bytes for the probe, and send what it takes now."""
        self._unsent += text
        self._flush()

    def first_line(self, limit: float) -> str:
        """Return the line with which the probe begins. Raises TargetError as `line` does."""
        return self.line(limit)

    def line(self, limit: float) -> str:
        """Return the next line, which may take so many seconds to come.

        Raises TargetError where the process has ended or sends what is no line, and where it was given up; SilentError
        where nothing came.
        """
        deadline = time.monotonic() + limit
        while not self._is_given_up:
            if self._lines:
                return self._lines.popleft().decode(errors="backslashreplace")
            left = deadline - time.monotonic()
            if self._stream.wait(min(left, _LOOK), to_send=bool(self._unsent)):
                self._flush()
                self._read()
            elif left <= _LOOK:
                msg = f"no answer in {limit:g} s{self._tail()}"
                raise SilentError(msg)
            self._forget_errors()
        msg = "it was given up"
        raise TargetError(msg)

    def give_up(self) -> None:
        """Let whoever waits for a line get TargetError soon; any thread may call it."""
        self._is_given_up = True

    def answered(self, log: tuple[str, ...]) -> None:
        """Note that the line that was returned last ends the answer to a program: what follows is of the next one.

        `log`: what the kernel said meanwhile, as far as the probe has told it.
        """

    def crash(self, trouble: TargetError) -> Crash | None:  # noqa: ARG002  a guest's connection looks at it
        """Say how the kernel under test has broken; None: it has not, as far as can be told."""
        return None

    def close(self, *, at_once: bool = False) -> None:
        """End the process, and whatever it started."""
        if not at_once:
            self._stream.end()
            self._has_ended()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stream.close()
        self._errors.close()

    def _flush(self) -> None:
        if self._unsent:
            del self._unsent[: self._stream.send(self._unsent)]

    def _read(self) -> None:
        """Take what has come apart into lines."""
        data = self._stream.receive()
        if data is None:
            raise TargetError(self._ended())
        self._unread += data
        *lines, rest = self._unread.split(b"\n")
        self._lines += map(bytes, lines)
        self._unread = rest
        if len(rest) > _LONGEST_LINE:
            msg = f"not the protocol, a line longer than {_LONGEST_LINE} bytes: {bytes(rest[:100])!r}…"
            raise TargetError(msg)

    def _has_ended(self) -> bool:
        """Wait until the process has ended, but not for long."""
        deadline = time.monotonic() + _END_LIMIT
        while not self._is_given_up and time.monotonic() < deadline:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LOOK)
                return True
        return False

    def _forget_errors(self) -> None:
        """Keep what it says on standard error from filling the disk."""
        if os.fstat(self._errors.fileno()).st_size > _MOST_ERRORS:
            os.ftruncate(self._errors.fileno(), 0)

    def _ended(self) -> str:
        if not self._has_ended():
            return f"{self.WHO} closed its output and went on running{self._tail()}"
        code = self._process.returncode
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit status {code}"
        cut = f" in the middle of a line, {bytes(self._unread[:100])!r}" if self._unread else ""
        return f"{self.WHO} {how}{cut}{self._tail()}"

    def _tail(self) -> str:
        """Return the last words on standard error, as the end of a message."""
        # pread: the process writes at the position that it shares with this file.
        size = os.fstat(self._errors.fileno()).st_size
        tail = os.pread(self._errors.fileno(), _TAIL, max(0, size - _TAIL))
        text = " ".join(tail.decode(errors="replace").split())
        return f"; it said: {text}" if text else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # a real-time signal
