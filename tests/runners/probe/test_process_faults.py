# SPDX-License-Identifier: Apache-2.0
"""What can befall the process that executes a program: each reported, and the next program runs."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.protocol.program import Program
from lockproof.runners.target import make_target
from tests.command import children

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = Program("arena 1\nregion a anonymous rw private\nmap a 0 1 0\ncall observe\n", 1, 30.0)
LONG = Program(
    "arena 256\nregion a anonymous rw private\nregion b anonymous r private\n"
    + "".join(f"map {'ab'[page % 2]} {page} 1 0\n" for page in range(256))
    + 200 * "call observe\n",
    256,
    30.0,
)
"""Looks at 256 mappings 201 times: hundreds of milliseconds."""
GREEDY = Program(
    "arena 16000\nregion a anonymous rw private\nmap a 0 16000 0\ncall observe\ncall touch 0 16000\n", 16000, 30.0
)


def kill_the_executing_process() -> None:
    """Kill the first process that a probe of this process forks."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for probe in children(os.getpid()):
            for executing in children(probe):
                os.kill(executing, signal.SIGKILL)
                return
        time.sleep(0.001)


def test_a_process_that_is_killed_from_outside_is_reported() -> None:
    with make_target("local").session() as session:
        killer = threading.Thread(target=kill_the_executing_process)
        killer.start()
        killed, run = session.run([LONG, SMALL])
        killer.join()
    assert killed.executions[0].status == "killed"
    assert run.executions[0].status == "done"


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """Make a memory cgroup of 16 MiB, of version 1 or 2."""
    roots = {Path("/sys/fs/cgroup/memory"): "memory.limit_in_bytes", Path("/sys/fs/cgroup"): "memory.max"}
    for root, limit in roots.items():
        group = root / f"lockproof-test-{os.getpid()}"
        with suppress(OSError):
            if root == Path("/sys/fs/cgroup"):
                (root / "cgroup.subtree_control").write_text("+memory")
            group.mkdir()
            try:
                (group / limit).write_text(str(16 << 20))
                yield group
                return
            finally:
                group.rmdir()
    pytest.skip("needs a memory cgroup that this process may make")


@pytest.mark.root
def test_a_process_that_the_oom_killer_ends_is_reported(memory_group: Path) -> None:
    target = make_target(f"command:sh -c 'echo $$ >{memory_group}/cgroup.procs && exec {{probe}}'")
    with target.session() as session:
        ended, run = session.run([GREEDY, SMALL])
    (execution,) = ended.executions
    assert (execution.status, execution.at_step) == ("oom", 1)
    assert [step.step for step in execution.steps] == [0]
    assert run.executions[0].status == "done"
