# SPDX-License-Identifier: Apache-2.0
"""The contract that every runner passes, on the real targets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.conformance.protocol.program import Program
from lockproof.runners.target import known_targets, make_target, started
from tests.command import is_running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lockproof.runners.target import Session

TARGETS = [
    "local",
    "local+libc",
    "local+posixmlock",
    "local+posixmlock+fault",
    "model:posix",
    pytest.param("gvisor", marks=pytest.mark.gvisor),
    pytest.param("qemu:debian/6.12", marks=pytest.mark.qemu("debian/6.12")),
    pytest.param("qemu:debian/6.12@x86_64-i386", marks=pytest.mark.qemu("debian/6.12")),
    pytest.param("uml:linux.uml", marks=pytest.mark.uml),
    "command:env -i {probe}",
    "command:{probe@x86_64-i386}",
    "command:sh -c 'exec {probe:q}'",
    pytest.param("command:setpriv --reuid=65534 --regid=65534 --clear-groups {probe}", marks=pytest.mark.root),
]
QEMU_USER = "command:qemu-aarch64-static {probe@arm64}"
PROBES = [target for target in TARGETS if target != "model:posix"]
HOLE = "arena 8\nregion a anonymous rw private\nmap a 0 3 0\nmap a 5 3 3\nlock 1 1 eager\ncall mlock 1p 6p\n"


def program(text: str, pages: int, seconds: float = 30.0) -> Program:
    """Make a program."""
    return Program(f"time {round(seconds * 1000)}\n{text}", pages, seconds)


@pytest.fixture(scope="module", params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """Return each target in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def session(target: str) -> Iterator[Session]:
    """Start each target once."""
    with make_target(target).session() as started:
        yield started


def test_the_name_of_a_target_names_it_again(target: str) -> None:
    assert make_target(make_target(target).name).name == target


def test_a_target_says_what_it_is_and_sees_locks(session: Session) -> None:
    info = session.info
    assert info.system
    assert info.release
    assert info.page_size in {4096, 16384, 65536}
    assert info.lock_observers
    assert info.elsewhere
    assert {"mlock", "munlock", "mlockall", "munlockall", "mmap", "munmap", "fork"} <= set(info.calls)


def test_a_call_that_fails_is_reported_with_its_errno_and_the_locks_around_it(session: Session) -> None:
    (trace,) = session.run([program(HOLE, 8)])
    assert trace.trouble is None
    (execution,) = trace.executions
    assert execution.status == "done"
    assert execution.before is not None
    assert set(execution.before.locked.values()) == {".L.__..."}
    (step,) = execution.steps
    assert step.result == "ENOMEM"
    assert all(strip[0] == "." and strip[3:5] == "__" for strip in step.snapshot.locked.values())


def test_a_hundred_programs_give_a_hundred_traces_in_order(session: Session) -> None:
    lengths = [1 + n * 7 % 50 for n in range(100)]
    programs = [program(f"arena {n}\nregion a anonymous rw private\nmap a 0 {n} 0\ncall observe\n", n) for n in lengths]
    seen = [trace.executions[0].steps[0].snapshot for trace in session.run(programs)]
    assert [len(next(iter(snapshot.locked.values()))) for snapshot in seen] == lengths


def test_a_program_that_is_refused_says_why_and_the_next_one_runs(session: Session) -> None:
    refused, run = session.run(
        [program("arena 2\nregion a anonymous rw private\nmap a 1 2 0\ncall observe\n", 2), program(HOLE, 8)]
    )
    assert refused.trouble is not None
    assert refused.trouble.startswith("the target refused line 5 of the program: ")
    assert run.executions[0].status == "done"


def test_a_set_up_that_fails_says_why_and_the_next_program_runs(session: Session) -> None:
    beyond = "arena 4\nregion a anonymous rw private\nmap a 0 2 0\nlock 0 4 eager\ncall observe\n"
    failed, run = session.run([program(beyond, 4), program(HOLE, 8)])
    assert failed.executions[0].status == "setup"
    assert "ENOMEM" in (failed.executions[0].reason or "")
    assert run.executions[0].status == "done"


def test_what_a_forked_child_does_is_reported_before_the_fork(session: Session) -> None:
    text = (
        "arena 2\nregion a anonymous rw private\nmap a 0 2 0\nlock 0 2 eager\nfork\ncall observe\nexit\ncall observe\n"
    )
    (trace,) = session.run([program(text, 2)])
    steps = trace.executions[0].steps
    assert [step.step for step in steps] == [1, 0, 2]
    assert [set(step.snapshot.locked.values()) for step in steps] == [{".."}, {"LL"}, {"LL"}]


@pytest.mark.parametrize("target", PROBES, indirect=True)
def test_a_process_that_dies_is_reported_and_the_next_program_runs(session: Session) -> None:
    text = "arena 2\nregion a anonymous none private\nmap a 0 2 0\ncall observe\ncall touch 1 1\n"
    died, run = session.run([program(text, 2), program(HOLE, 8)])
    (execution,) = died.executions
    assert (execution.status, execution.signal, execution.at_step) == ("died", "SIGSEGV", 1)
    assert [step.step for step in execution.steps] == [0]  # what it had reported before stays
    assert run.executions[0].status == "done"


def test_a_process_that_hangs_is_killed_and_the_next_program_runs() -> None:
    with make_target("local").session() as session:
        if session.info.max_map_count is None or session.info.max_map_count < 30000:
            pytest.skip("needs vm.max_map_count of 30000 or more: using it up is what takes the time")
        text = "arena 2\nregion a anonymous rw private\nmap a 0 2 0\nlimit mappings 0\ncall observe\n"
        hung, run = session.run([program(text, 2, seconds=0.002), program(HOLE, 8)])
    assert hung.executions[0].status == "hung"
    assert run.executions[0].status == "done"


def test_sweeps_fail_each_allocation_in_turn_on_a_model() -> None:
    text = HOLE.replace("call", "fault each-allocation\ncall").replace("map a 5 3 3\n", "map a 3 5 3\n")
    with make_target("model:posix").session() as session:
        (trace,) = session.run([program(text, 8)])
    faults = [execution.steps[0].fault for execution in trace.executions]
    assert [execution.number for execution in trace.executions] == list(range(1, len(faults) + 1))
    assert set(faults[:-1]) == {"failed"}
    assert faults[-1] == "not-reached"


def test_privilege_is_found_by_asking() -> None:
    with make_target("local").session() as session:
        assert session.info.privileged == (os.geteuid() == 0)


@pytest.mark.root
def test_another_user_has_no_privilege() -> None:
    with make_target("command:setpriv --reuid=65534 --regid=65534 --clear-groups {probe}").session() as session:
        assert not session.info.privileged
        assert session.info.memlock > 0


def test_targets_of_other_packages_are_found_by_their_entry_point(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "from lockproof.runners.probe import ProbeTarget, host_probe\n"
        "def names(): return ('one',)\n"
        "def make(argument): return ProbeTarget(f'mine:{argument}', (host_probe(),))\n"
    )
    metadata = tmp_path / "mine-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[lockproof.runners]\nmine = mine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "mine:one" in known_targets()
    with make_target("mine:one").session() as session:
        assert session.info.system == "Linux"


def counted(log: Path) -> str:
    """Name a target that writes a line each time that it is started."""
    return f"command:sh -c 'echo >>{log}; exec {{probe}}'"


def test_the_first_session_of_a_target_that_was_started_ahead_is_that_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started([counted(log), counted(log)], 2) as (target,):
        assert target.name == counted(log)
        for count in (1, 2, 3):
            with target.session() as session:
                assert session.info.system == "Linux"
                assert session.about == ""
            assert log.read_text() == "\n" * count


def test_no_more_targets_are_started_ahead_than_was_asked_for(tmp_path: Path) -> None:
    logs = [tmp_path / "one", tmp_path / "two"]
    with started([counted(log) for log in logs], 1) as targets:
        with targets[0].session() as session:
            assert session.info.system == "Linux"
        assert not logs[1].exists()
        with targets[1].session() as session:
            assert session.info.system == "Linux"
        assert logs[1].exists()


def test_a_target_that_was_started_ahead_and_that_nobody_asked_for_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with started([f"command:sh -c 'echo $$ >{pid}; exec {{probe}}'"], 1):
        wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
    wait_for(lambda: not is_running(int(pid.read_text())))


def test_what_keeps_a_target_from_starting_is_raised_where_a_session_is_asked_for(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/nowhere\n")
    broken.chmod(0o755)
    with started([f"command:{broken}", "command:false"], 2) as targets:
        for target, message in zip(targets, ("broken cannot be started", "exit status 1"), strict=True):
            with pytest.raises(TargetError, match=message), target.session() as session:
                session.info.identity  # noqa: B018  to wait for it


def test_a_text_that_names_no_target_is_a_usage_error_before_anything_is_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(UsageError, match="no kind of target"), started([counted(log), "nowhere"], 2):
        pytest.fail("it was entered")
    assert not log.exists()


@pytest.mark.parametrize("kind", ["local", "qemu"])
def test_a_target_is_started_before_what_takes_long_to_import(kind: str) -> None:
    code = f"import sys, lockproof.runners.{kind}; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def wait_for(true: Callable[[], bool]) -> None:
    """Wait for something that must come to be."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.qemu_user
def test_the_probe_of_another_architecture_is_named_in_a_command_and_runs_under_an_emulator() -> None:
    target = make_target(QEMU_USER)
    assert target.name == QEMU_USER
    assert "aarch64" in target.files["probe"]
    with target.session() as session:
        assert (session.info.machine, session.info.bits) == ("aarch64", 64)
        (trace,) = session.run([program(HOLE, 8)])
        assert '"result":"ENOMEM"' in "".join(trace.lines)


def test_a_program_of_32_bits_asks_the_running_kernel() -> None:
    with make_target("command:sh -c 'exec {probe@x86_64-i386:q}'").session() as session:
        assert (session.info.release, session.info.bits, session.info.wraps) == (os.uname().release, 32, False)


def test_a_probe_of_an_architecture_that_is_none_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"architecture 'arm46': not supported; did you mean arm64\?"):
        make_target("command:{probe@arm46}")
