# SPDX-License-Identifier: Apache-2.0
"""The installed lockproof command, started as its user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LOCKPROOF = str(Path(sys.executable).with_name("lockproof"))

SMALL = """\
- id: hole-after-prefix
  about: A hole inside the range fails the call; the pages before it keep the locks they had.
  checks: [mlock.failure.no-change, mlock.enomem.unmapped]
  map:    aaa__bbb
  locked: .L.__...
  call:   mlock
  range:  .^^^^^^.
  expect:
    - {result: ENOMEM, locked: unchanged}
- id: success
  about: The pages of the range are locked.
  checks: [mlock.whole-pages, mlock.success-zero]
  map:    aaa
  call:   mlock
  range:  .^.
  expect:
    - {result: 0, locked: .L.}
"""
"""Two cases: Linux fails the first and passes the second; the model passes both."""


def lockproof(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
    """Run the command to its end."""
    return subprocess.run(
        [LOCKPROOF, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=300, **options
    )


def start(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the command, in a process group of its own."""
    return subprocess.Popen(
        [LOCKPROOF, *arguments],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_signals,  # noqa: PLW1509  no thread is in the way
    )


def _heed_signals() -> None:
    """Take signals as a shell in a terminal lets its jobs: in the background SIGINT, under nohup SIGHUP is ignored."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def results(folder: Path) -> list[dict[str, Any]]:
    """Read the results of the only run in a folder."""
    (run,) = (folder / "results").iterdir()
    return [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]


def verdicts(folder: Path) -> dict[tuple[str, str], str]:
    """Return the statuses of the only run in a folder, by target and case."""
    return {(result["target"], result["case"]): result["verdict"]["status"] for result in results(folder)}


def plain_environment() -> dict[str, str]:
    """Return the environment without what would change the output."""
    changing = {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "LINES"}  # of the last two pytest-xdist tells workers
    return {key: value for key, value in os.environ.items() if key not in changing}


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for a condition; fails where it never comes."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came"
        time.sleep(0.005)


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            own, _, rest = stat.read_text().partition(" ")
            if int(rest.rpartition(") ")[2].split()[1]) == pid:
                found.append(int(own))
    return found


def processes_with(text: str, file: str) -> list[int]:
    """Return the processes that have a text in their `cmdline` or their `environ`, as the file of /proc is called."""
    found = []
    for path in Path("/proc").glob(f"[0-9]*/{file}"):
        with suppress(OSError):  # it has just ended
            if text.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def is_running(pid: int) -> bool:
    """Tell whether a process lives; one that is dead and not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
