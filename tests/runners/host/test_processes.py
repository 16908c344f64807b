# SPDX-License-Identifier: Apache-2.0
"""Programs that are started to fetch and build end with what they are for, and so do their children."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from lockproof.runners.host import processes
from tests.command import is_running, until

if TYPE_CHECKING:
    from pathlib import Path

FAMILY = "sleep 1000 & echo $$ $! >pids; wait"


def pids(folder: Path) -> list[int]:
    """Return the processes that FAMILY has started, when it has."""
    file = folder / "pids"
    until(lambda: file.exists() and file.read_text().endswith("\n"))
    return [int(pid) for pid in file.read_text().split()]


def test_a_program_says_what_it_says() -> None:
    done = processes.run(["sh", "-c", "cat; echo err >&2; exit 7"], input=b"in", stdout=-1, stderr=-1)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"in", b"err\n")


def test_an_exception_kills_a_program_and_its_children(tmp_path: Path) -> None:
    family: list[int] = []

    def interrupted() -> None:
        with processes.started(["sh", "-c", FAMILY], cwd=tmp_path):
            family.extend(pids(tmp_path))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(family) == 2
    until(lambda: not any(map(is_running, family)))


def test_what_other_threads_wait_for_can_be_ended(tmp_path: Path) -> None:
    thread = threading.Thread(target=processes.run, args=(["sh", "-c", FAMILY],), kwargs={"cwd": tmp_path})
    thread.start()
    family = pids(tmp_path)
    processes.end_all()
    thread.join(60)
    assert not thread.is_alive()
    until(lambda: not any(map(is_running, family)))


def test_a_program_ends_with_a_lockproof_that_is_killed(tmp_path: Path) -> None:
    script = (
        "from lockproof.runners.host import processes\n"
        f"with processes.started(['sh', '-c', {FAMILY.replace(' & echo', ' & exec 1>&-; echo')!r}]): pass\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path) as process:
        shell, sleep = pids(tmp_path)
        process.kill()
    until(lambda: not is_running(shell))
    subprocess.run(["kill", str(sleep)], check=True)  # of a grandchild nobody can know
