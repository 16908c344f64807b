# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, or SIGTERM from a CI system: the first ends what runs in good order, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["Interrupt", "interruptible"]


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
        os.write(sys.stderr.fileno(), b"Ending what is under way; once more to stop at once.\n")


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Take SIGINT and SIGTERM while the context lasts."""
    interrupt = Interrupt()
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
