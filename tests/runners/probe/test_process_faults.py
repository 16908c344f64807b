# SPDX-License-Identifier: Apache-2.0
"""What can befall the process that executes a program: each reported, and the next program runs."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
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


def kill_the_executing_process(probe: int) -> None:
    """Kill the first process that a probe forks."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for executing in children(probe):
            os.kill(executing, signal.SIGKILL)
            return
        time.sleep(0.001)


def test_a_process_that_is_killed_from_outside_is_reported() -> None:
    others = set(children(os.getpid()))  # of tests before this one
    with make_target("local").session() as session:
        assert session.info.protocol == 1  # its trials are over
        (probe,) = set(children(os.getpid())) - others
        killer = threading.Thread(target=kill_the_executing_process, args=(probe,))
        killer.start()
        killed, run = session.run([LONG, SMALL])
        killer.join()
    assert killed.executions[0].status == "killed"
    assert run.executions[0].status == "done"


def test_a_probe_has_its_memory_at_the_same_addresses_in_every_run() -> None:
    if subprocess.run(["setarch", "--addr-no-randomize", "true"], check=False).returncode:
        pytest.skip("this system lets no process go without randomisation of addresses")
    no_randomization = 0x40000  # ADDR_NO_RANDOMIZE of linux/personality.h
    others = set(children(os.getpid()))  # of tests before this one
    with make_target("local").session() as session:
        assert session.info.protocol == 1
        (probe,) = set(children(os.getpid())) - others
        assert int(Path(f"/proc/{probe}/personality").read_text(), 16) & no_randomization


def test_a_limit_that_somebody_changes_leaves_nothing_to_say() -> None:
    others = set(children(os.getpid()))  # of tests before this one
    with make_target("local").session() as session:
        (before,) = session.run([SMALL])
        (probe,) = set(children(os.getpid())) - others
        resource.prlimit(probe, resource.RLIMIT_MEMLOCK, (0, resource.prlimit(probe, resource.RLIMIT_MEMLOCK)[1]))
        (after,) = session.run([SMALL])
    assert before.executions[0].status == "done"
    (execution,) = after.executions
    assert (execution.status, execution.reason) == ("setup", "RLIMIT_MEMLOCK was changed from outside")


def test_a_limit_that_a_program_sets_is_none_that_somebody_changed() -> None:
    limited = Program(SMALL.text.replace("call", "limit memlock 2p\ncall"), 1, 30.0)
    with make_target("local").session() as session:
        (trace,) = session.run([limited])
    assert trace.executions[0].status == "done"


@pytest.mark.root
def test_a_process_that_cannot_fork_says_so_of_the_step_and_keeps_those_before_it() -> None:
    forking = Program(SMALL.text + "fork\ncall observe\nexit\ncall observe\n", 1, 30.0)
    nobody_else = 60000 + os.getpid() % 5000
    two = f"command:prlimit --nproc=2 setpriv --reuid={nobody_else} --clear-groups {{probe}}"
    with make_target(two).session() as session:
        assert session.info.refused["fork"] == "EAGAIN"
        assert session.info.trouble == {}
        (trace,) = session.run([forking])
    (execution,) = trace.executions
    assert (execution.status, execution.reason, execution.at_step) == ("trouble", "fork: EAGAIN", 1)
    assert [step.step for step in execution.steps] == [0]


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """Make a memory cgroup of 16 MiB, of version 1 or 2."""
    roots = {Path("/sys/fs/cgroup/memory"): "memory.limit_in_bytes", Path("/sys/fs/cgroup"): "memory.max"}
    for root, limit in roots.items():
        group = root / f"lockproof-test-{os.getpid()}"
        with suppress(OSError):
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
