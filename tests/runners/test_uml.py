# SPDX-License-Identifier: Apache-2.0
"""A kernel that is a program: what it shows, what becomes of it when it breaks, and that it leaves nothing."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.runners import uml
from lockproof.runners.target import make_target
from tests.breaking import breaking_cases, build_breaking_probe
from tests.command import is_running, lockproof, processes_with, start, until, verdicts
from tests.helpers import judged, write

TARGET = "uml:linux.uml"


@pytest.mark.uml
def test_it_is_a_linux_of_its_own_where_nothing_else_runs() -> None:
    with make_target(TARGET).session() as session:
        info = session.info
        assert (info.system, info.alone, info.machine) == ("Linux", True, os.uname().machine)
        assert info.release != os.uname().release
        assert re.fullmatch(r"booted in \d+\.\d s, User-mode Linux, 512 MiB", session.about)


@pytest.mark.uml
@pytest.mark.qemu("debian/6.1")
def test_it_breaks_the_promise_as_the_same_linux_on_a_machine_does(tmp_path: Path) -> None:
    lockproof("run", "-t", TARGET, "-t", "qemu:debian/6.1", "mlock/no-change", "munlock", cwd=tmp_path)
    found = verdicts(tmp_path)
    cases = {case for _, case in found}
    assert len(cases) > 50
    for case in cases:
        assert found[TARGET, case] == found["qemu:debian/6.1", case], case


@pytest.mark.uml
@pytest.mark.parametrize(
    ("flags", "message"),
    [(1001, "Kernel panic - not syncing: sysrq triggered crash"), (1003, "the kernel became tainted: kernel warned")],
    ids=["panic", "taint"],
)
def test_a_kernel_that_breaks_fails_its_case_and_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: int, message: str
) -> None:
    probe = build_breaking_probe(tmp_path / "init")
    monkeypatch.setattr(uml, "host_probe", lambda: str(probe))
    cases = write(tmp_path, breaking_cases({"a": 77, "b": flags, "c": 77}))
    found = {result.case.rpartition("/")[2]: result.verdict for result in judged(TARGET, cases)}
    assert {name: verdict.status for name, verdict in found.items()} == {"a": "PASS", "b": "FAIL", "c": "PASS"}
    assert found["b"].findings[0].message == message


def of_us(folder: Path) -> list[int]:
    """Return the processes that have a folder in their command line."""
    return processes_with(f"uml_dir={folder}", "cmdline")


@pytest.mark.uml
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_nothing_of_it_outlives_lockproof_or_is_left_in_the_home(tmp_path: Path, how: signal.Signals | None) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = os.environ | {"HOME": str(tmp_path), "TMPDIR": str(scratch)}
    environment.setdefault("LOCKPROOF_CACHE", str(Path("~/.cache/lockproof").expanduser()))
    running = start("run", "-t", TARGET, "mlock", cwd=tmp_path, env=environment)
    until(lambda: len(of_us(scratch)) > 2)  # its guard, itself, and what it started
    processes = of_us(scratch)
    if how is not None:
        running.send_signal(how)
    running.communicate(timeout=120)
    until(lambda: not any(map(is_running, processes)))
    until(lambda: not of_us(scratch))
    assert not (tmp_path / ".uml").exists()
    if how is not signal.SIGKILL:
        assert list(scratch.iterdir()) == []


def test_a_program_that_is_missing_or_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^target 'uml:': no program; write uml:linux\.uml"):
        make_target("uml:")
    with pytest.raises(UsageError, match=r"^target 'uml:nothing': nothing is not found; apt install user-mode-linux"):
        make_target("uml:nothing")
    done = lockproof("run", "-t", "uml:true", "mlock/success", cwd=tmp_path)
    assert done.returncode == 3
    assert "the guest did not come up: User-mode Linux ended with exit status 0; the console is empty" in done.stdout


def test_a_processor_that_it_cannot_run_on_is_named_as_the_reason(tmp_path: Path) -> None:
    program = tmp_path / "linux.uml"
    program.write_text("#!/bin/sh\necho 'userspace - ptrace set fp regs failed, errno = 14' >&2\nkill -ABRT $$\n")
    program.chmod(0o755)
    done = lockproof("run", "-t", f"uml:{program}", "mlock/success", cwd=tmp_path)
    assert done.returncode == 3
    assert (
        "it needs another processor: it does not save all registers of this one (userspace - ptrace set fp regs "
        "failed, errno = 14); take a guest of QEMU\n"
    ) in done.stdout
