# SPDX-License-Identifier: Apache-2.0
"""The connection to a guest: QEMU as the process, and what the console says when the kernel in it breaks.

The protocol is imported where something breaks: QEMU is started before what takes its time.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from typing import TYPE_CHECKING, BinaryIO

from lockproof.conformance.errors import TargetError
from lockproof.runners.probe.connection import Connection, SilentError

if TYPE_CHECKING:
    import subprocess

    from lockproof.conformance.protocol.trace import Crash
    from lockproof.runners.probe.connection import Stream

__all__ = ["Guest", "guarded", "new_console"]

# The kernel ends the program when the thread that started it ends. Before that is agreed upon, that thread may be gone
# already: then the parent is another one.
_GUARD = ("--pdeathsig", "KILL", "--", "/bin/sh", "-c", '[ "$PPID" -eq "$0" ] && exec "$@"')
_TIMESTAMP = re.compile(r"^(<\d+>)?\[ *\d+\.\d+\](\[ *[TC]\d+\])? ?")
_HELLO = '{"hello"'
_EMPTY = "; the console is empty: the image may be damaged, or be for another machine"
_MOST_LINES = 200  # of a log
_LAST_LINES = 6  # that a message shows
_LONGEST_CONSOLE = 1 << 20  # bytes that are kept while nothing breaks


def guarded(setpriv: str, command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command, to be started by this process, so that it ends with it; `setpriv`: its path."""
    return (setpriv, *_GUARD, str(os.getpid()), *command)


def new_console() -> BinaryIO:
    """Return a file in memory, which nobody else can see and all writers add to, for what a guest says."""
    console = os.fdopen(os.memfd_create("lockproof-console"), "wb", buffering=0)
    fcntl.fcntl(console, fcntl.F_SETFL, os.O_APPEND)
    return console


class Guest(Connection):
    """QEMU, whose standard error is also the console of its guest."""

    WHO = "QEMU"
    BROKEN: tuple[int, ...] = (0,)
    """Exit codes by which it says that the kernel has broken, or is switched off."""

    def __init__(self, process: subprocess.Popen[bytes], stream: Stream, console: BinaryIO, about: str) -> None:
        """Take over QEMU; `about`: how it runs the guest."""
        super().__init__(process, stream, console)
        self._console = console.fileno()
        self._about = about
        self._started = time.monotonic()
        # Lengths of the console: when the program that is under way began at the earliest; at the last two looks for
        # what has come.
        self._began = self._before = self._now = 0
        self._told: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """See Connection."""
        return self._about

    def first_line(self, limit: float) -> str:
        """See Connection. Passes over what firmware and the start of a kernel say on every terminal that there is."""
        deadline = time.monotonic() + limit
        try:
            while not (line := self.line(limit)).startswith(_HELLO):
                if time.monotonic() > deadline:
                    msg = f"no hello in {limit:g} s, but {line!r:.100}{self._tail()}"
                    raise TargetError(msg)  # noqa: TRY301  the guest did not come up for this reason, either
        except TargetError as error:
            msg = f"the guest did not come up: {error}"
            raise TargetError(msg) from error
        self._about = f"booted in {time.monotonic() - self._started:.1f} s, {self._about}"
        self._began = self._now
        return line

    def answered(self, log: tuple[str, ...]) -> None:
        """See Connection."""
        self._told = log or self._told
        self._began = self._before
        if self._began > _LONGEST_CONSOLE:
            os.ftruncate(self._console, 0)
            self._began = self._before = self._now = 0

    def _forget_errors(self) -> None:
        """See Connection. The console of the program under way is kept: it tells how the kernel broke."""

    def crash(self, trouble: TargetError) -> Crash | None:
        """See Connection. QEMU that fails or is killed says nothing about the kernel."""
        from lockproof.conformance.protocol.trace import Crash  # noqa: PLC0415

        log = self._log()
        what = _first_splat(log)
        code = self._process.poll()
        if code is None and isinstance(trouble, SilentError):
            return Crash(what or f"the kernel hung: {str(trouble).partition(';')[0]}", log, hung=what is None)
        if code in self.BROKEN:
            return Crash(what or "the kernel rebooted or switched off", log)
        return Crash(what, log) if code is None and what else None

    def _read(self) -> None:
        # What comes now was not there at the look before this one: nor had the program behind it begun then. The look
        # at the console comes first, as a program may begin, and say something, between the two.
        self._before, self._now = self._now, os.fstat(self._console).st_size
        super()._read()

    def _log(self) -> tuple[str, ...]:
        """Return what the console said since the program under way began; of much, without the middle.

        Where two answers came at once, it may begin with what the program before has told.
        """
        size = max(0, os.fstat(self._console).st_size - self._began)
        text = os.pread(self._console, size, self._began).decode(errors="replace")
        lines = _behind(tuple(filter(None, map(_printable, text.split("\n")))), self._told)
        half = _MOST_LINES // 2
        return lines if len(lines) <= _MOST_LINES else (*lines[:half], "…", *lines[-half:])

    def _tail(self) -> str:
        log = self._log()
        what = _first_splat(log)
        last = " | ".join(log[-_LAST_LINES:])
        return (f"; {what}" if what else "") + (f"; the console ends with: {last}" if last else _EMPTY)


def _first_splat(log: tuple[str, ...]) -> str | None:
    from lockproof.conformance.protocol import kernel_log  # noqa: PLC0415

    return kernel_log.first_splat([_TIMESTAMP.sub("", line) for line in log])


def _behind(lines: tuple[str, ...], told: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of a console that follow those of a log, of which it may have more; all, where it has none."""
    plain = iter(enumerate(_TIMESTAMP.sub("", line).strip() for line in lines))
    last = -1
    for wanted in map(_printable, told):
        last = next((number for number, line in plain if line == wanted.strip()), -1)
        if last < 0:
            return lines
    return lines[last + 1 :]


def _printable(line: str) -> str:
    return "".join(character for character in line.expandtabs() if character.isprintable()).rstrip()
