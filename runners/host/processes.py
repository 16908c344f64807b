# SPDX-License-Identifier: Apache-2.0
"""Programs that lockproof starts to fetch, unpack and build: they and their children end with what they are for.

Each is in a process group of its own, which is killed where whoever waits for it is interrupted. Where lockproof itself
is killed, the kernel kills the program, as setpriv asks it to.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["end_all", "run", "started"]

_live: set[int] = set()
"""Process groups that somebody waits for."""
_guard = threading.Lock()


def run(command: Sequence[str], *, input: bytes | None = None, **options: Any) -> subprocess.CompletedProcess[Any]:  # noqa: A002, ANN401  as subprocess has it
    """Run a program to its end, and return how it ended and what it said, as subprocess.run does."""
    streams = {"stdin": subprocess.PIPE} if input is not None else {}
    with started(command, **streams, **options) as process:
        said, errors = process.communicate(input)
    return subprocess.CompletedProcess(command, process.returncode, said, errors)


@contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:  # noqa: ANN401
    """Start a program, and wait for it at the end of the context; an exception kills it and its children."""
    setpriv = shutil.which("setpriv")
    guarded = [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else command
    process = subprocess.Popen(guarded, start_new_session=True, **options)
    with _guard:
        _live.add(process.pid)
    try:
        with process:
            try:
                yield process
            except BaseException:
                _kill(process.pid)
                raise
    finally:
        with _guard:
            _live.discard(process.pid)


def end_all() -> None:
    """Kill what other threads wait for."""
    with _guard:
        for group in _live:
            _kill(group)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
