# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, SIGTERM of a CI system, SIGHUP of a terminal that is gone: the first ends in good order, the second at once.

A command is interrupted by an exception, `Interrupted`, so that what it has begun is undone on the way out. One that
has something to say of what it got to takes signals itself, with `interruptible`. What is ignored where lockproof
starts (SIGHUP under nohup, SIGINT in the background) stays ignored.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    Handler = Callable[[int, FrameType | None], None]

__all__ = ["Interrupt", "Interrupted", "Raising", "interruptible", "take"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STANDARD_ERROR = 2


class Interrupted(KeyboardInterrupt):
    """A signal has come."""

    def __init__(self, number: int) -> None:
        """Keep the number of the signal."""
        super().__init__(number)
        self.number = number


class Raising:
    """Raises `Interrupted` at the first signal, and ends the process at the second."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.signal = 0
        """The number of the signal that came."""

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if self.signal:
            os._exit(128 + number)
        self.signal = number
        raise Interrupted(number)


class Interrupt:
    """Whether something is to end early."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.stop = threading.Event()
        """Set when a signal has come."""
        self.signal = 0
        """Its number."""

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if self.signal:
            os._exit(128 + number)  # results are on disk; probes end with their input
        self.signal = number
        self.stop.set()
        with suppress(OSError):  # the terminal may be gone
            os.write(_STANDARD_ERROR, b"Ending what is under way; once more to stop at once.\n")


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Take SIGINT, SIGTERM and SIGHUP while the context lasts, but those that are ignored."""
    interrupt = Interrupt()
    before = take(interrupt)
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take(handler: Handler) -> dict[signal.Signals, Any]:
    """Let a handler have the signals that are not ignored, and return who had them before."""
    return {number: signal.signal(number, handler) for number in _SIGNALS if not _is_ignored(number)}


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
