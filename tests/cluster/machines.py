# SPDX-License-Identifier: Apache-2.0
"""A scheduler of Dask and workers, each a process of its own, as on machines of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Machines:
    """A scheduler without workers at first."""

    def __init__(self, folder: Path) -> None:
        """Start the scheduler."""
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", file)
        until(lambda: file.exists() and file.stat().st_size)  # it is written at once, after it is made
        self.address = str(json.loads(file.read_text())["address"])

    def worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, and wait until the scheduler knows it."""
        number = len(self._started)
        folder = self._folder / f"worker-{number}"
        log = self._folder / f"worker-{number}.log"
        started = self._start(
            *("worker", self.address, "--no-nanny", "--nthreads", "1", "--death-timeout", "60"),
            *("--local-directory", str(folder), *options),
            log=log,
            environment=environment,
        )
        until(lambda: b"Registered to" in log.read_bytes())
        return started

    def _start(
        self, *arguments: str | Path, log: Path | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with (log or self._folder / "scheduler.log").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
                stdout=out,
                stderr=out,
                cwd=self._folder,
                env=os.environ | (environment or {}),
            )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End all of them."""
        for process in reversed(self._started):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@contextmanager
def machines(folder: Path) -> Iterator[Machines]:
    """Yield a scheduler, and end it and its workers."""
    folder.mkdir()
    made = Machines(folder)
    try:
        yield made
    finally:
        made.close()
