# SPDX-License-Identifier: Apache-2.0
"""How the process of a command ends, whatever comes: one line that says what went wrong, and the exit code.

Nothing is printed but through the streams that are made here: their reader may go away, or have no room, and the
command goes on to its end. An exception that nobody expected is exit code 3, as everything else that says nothing
about a kernel; its traceback is in a file.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from contextlib import suppress
from select import select
from typing import TYPE_CHECKING, Any

import click

from lockproof.conformance.commands.interrupt import Interrupted, Raising, take
from lockproof.conformance.errors import LockproofError
from lockproof.conformance.exit_codes import DEFAULT, INFRASTRUCTURE, STYLES, Style
from lockproof.conformance.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer


__all__ = ["end_with", "say"]

_OUTPUT, _ERRORS = 1, 2  # file descriptors
_NO_THREAD = "can't start new thread"
_ADVICE = {
    errno.EMFILE: "raise the limit of open files (ulimit -n), or run fewer targets at a time",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EAGAIN: "raise the limit of processes (ulimit -u), or run fewer targets at a time",
    errno.ENOMEM: "free memory, or run fewer targets at a time",
}
"""What to do where the machine has no more of something."""


def end_with(command: Callable[[], object], style: Style = STYLES[DEFAULT]) -> None:
    """Run a command, which returns its exit code, and end the process. `style`: which exit codes errors have."""
    output, errors = _stream(_OUTPUT), _stream(_ERRORS)
    sys.stdout, sys.stderr = _text(output, sys.stdout), _text(errors, sys.stderr)
    taking = Raising()
    sys.unraisablehook = lambda lost: None if taking.signal else sys.__unraisablehook__(lost)
    threading.excepthook = lambda lost: say(_unexpected(lost.exc_value or lost.exc_type()), err=True)
    try:
        take(taking)
        code = command()
    except BaseException as error:  # noqa: BLE001  the last place that can say anything
        code = style.of_error(_told(error, taking))
    _ignore_what_comes()
    sys.stdout.flush()
    if output.trouble is not None and output.trouble.errno != errno.EPIPE:
        say(f"standard output: {output.trouble.strerror}; what was to be printed is not all there", err=True)
        code = style.of_trouble(code if isinstance(code, int) else 0)
    sys.stderr.flush()
    sys.exit(code if isinstance(code, int) else 0)


def say(text: str, *, err: bool = False) -> None:
    """Print what a command says at its end, if anything: nothing that it quotes controls the terminal."""
    if text:
        click.echo(visible(text), err=err)


class _Stream(io.FileIO):
    """Standard output or standard error; where it takes nothing more, it stays silent and knows why."""

    trouble: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        """Write what there is room for, and wait until there is some."""
        try:
            while (count := super().write(data)) is None:  # whoever shares the stream lets it not block
                select([], [self], [])
        except OSError as error:
            self.trouble = self.trouble or error
            return memoryview(data).nbytes
        return count


def _stream(descriptor: int) -> _Stream:
    """Take a descriptor as a stream; where it is closed, nothing else is to get its number."""
    try:
        os.fstat(descriptor)
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
        made = _Stream(descriptor, "wb", closefd=False)
        made.trouble = error
        return made
    return _Stream(descriptor, "wb", closefd=False)


def _text(stream: _Stream, like: object) -> io.TextIOWrapper:
    """Make a text stream that has a character for each that not every encoding knows."""
    encoding = like.encoding if isinstance(like, io.TextIOWrapper) else "utf-8"
    errors = "replace" if stream.fileno() == _OUTPUT else "backslashreplace"
    line_buffering = stream.fileno() == _ERRORS or stream.isatty()
    buffered: Any = io.BufferedWriter  # its type wants a stream of another class than that of files
    return io.TextIOWrapper(buffered(stream), encoding=encoding, errors=errors, line_buffering=line_buffering)


def _told(error: BaseException, taking: Raising) -> int:
    """Say what ended a command, in one line; the exit code."""
    if isinstance(error, SystemExit) and not taking.signal:
        return error.code if isinstance(error.code, int) else 0
    if taking.signal or isinstance(error, KeyboardInterrupt | click.Abort):
        # An interrupt gets lost, or becomes another exception, where code calls back from C.
        number = error.number if isinstance(error, Interrupted) else taking.signal or signal.SIGINT
        say("Interrupted.", err=True)
        return 128 + number
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, LockproofError):
        say(str(error), err=True)
        return error.exit_code
    say(_unexpected(error), err=True)
    return INFRASTRUCTURE


def _unexpected(error: BaseException) -> str:
    """Say what nobody expected, and where the details were written."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    advice = "please report it"
    if isinstance(error, OSError):
        advice = _ADVICE.get(error.errno or 0, advice)
    elif isinstance(error, MemoryError):
        advice = _ADVICE[errno.ENOMEM]
    elif _NO_THREAD in str(error):
        advice = _ADVICE[errno.EAGAIN]
    return f"lockproof: unexpected {what:.300}; {advice} ({_details(error)})"


def _details(error: BaseException) -> str:
    """Write the traceback to a file, and say where it is; where it cannot be written, where the error came from."""
    import tempfile  # noqa: PLC0415  few have one
    import traceback  # noqa: PLC0415

    place = traceback.extract_tb(error.__traceback__)[-1:]
    said = [f"{frame.filename}:{frame.lineno}" for frame in place]
    with suppress(OSError, MemoryError):
        descriptor, path = tempfile.mkstemp(prefix="lockproof-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{sys.argv}\nPython {sys.version}\n\n")
            file.writelines(traceback.format_exception(error))
        said = [f"the details are in {path}"]
    return "".join(said) or "no details"


def _ignore_what_comes() -> None:
    """Let a signal end the process at once: everything is said."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
