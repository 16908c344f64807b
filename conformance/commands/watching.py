# SPDX-License-Identifier: Apache-2.0
"""Progress of what takes minutes, on a terminal and elsewhere."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import TaskID

    from lockproof.runners.kernels.build import Watcher

__all__ = ["watching"]

_QUIET = 15.0
"""Seconds between two lines where the output is no terminal."""


@contextmanager
def watching(console: Console) -> Iterator[Watcher]:
    """Show progress: a line that moves on a terminal, else a line now and then, whatever takes its time."""
    if not console.is_terminal:
        lines = _Lines(console)
        thread = threading.Thread(target=lines.keep_saying, daemon=True)
        thread.start()
        try:
            yield lines
        finally:
            lines.over.set()
            thread.join()
        return
    columns = SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Moving(progress, progress.add_task(""))


@dataclass(slots=True)
class _Lines:
    console: Console
    over: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)
    doing: str = ""

    def say(self, line: str) -> None:
        self.console.print(line)
        self.doing = line
        self.said = time.monotonic()

    def progress(self, text: str) -> None:
        self.doing = text

    def keep_saying(self) -> None:
        """Say how long it has taken and what is being done, after each time without a word, until it is over."""
        while not self.over.wait(max(0.0, self.said + _QUIET - time.monotonic())):
            if self.doing and time.monotonic() >= self.said + _QUIET:
                self.said = time.monotonic()
                self.console.print(f"{self.said - self.started:.0f} s: {self.doing}")


@dataclass(frozen=True, slots=True)
class _Moving:
    progress_bar: Progress
    task: TaskID

    def say(self, line: str) -> None:
        self.progress_bar.console.print(line)

    def progress(self, text: str) -> None:
        self.progress_bar.update(self.task, description=text)
