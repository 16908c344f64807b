# SPDX-License-Identifier: Apache-2.0
"""What can befall a guest while a case runs, made by real kernels that break and a real QEMU that is stopped or killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lockproof.runners import qemu
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.probe import compiled
from lockproof.runners.probe import session as channel
from tests.breaking import breaking_cases, build_breaking_probe
from tests.command import SMALL, children, is_running, lockproof, results, start, verdicts
from tests.helpers import judged, picture_of, write

if TYPE_CHECKING:
    from collections.abc import Callable

KERNEL = "debian/6.12"
TARGET = f"qemu:{KERNEL}"

pytestmark = pytest.mark.qemu(KERNEL)


@pytest.fixture(scope="module")
def breaking_probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the probe that breaks its kernel on demand."""
    return build_breaking_probe(tmp_path_factory.mktemp("breaking") / "init")


def broken_by(flags: int) -> str:
    """Write three cases: the middle one breaks the kernel on the breaking probe, the others pass."""
    return breaking_cases({"a": 77, "b": flags, "c": 77})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (1001, "Kernel panic - not syncing: sysrq triggered crash"),
        (1002, "the kernel rebooted or switched off"),
        (1003, "the kernel became tainted: kernel warned"),
        (1004, "the kernel logged: BUG: KASAN: slab-use-after-free in mlock_fixup+0x1f3/0x2a0"),
    ],
    ids=["panic", "reboot", "taint", "splat"],
)
def test_a_kernel_that_breaks_fails_its_case_and_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, breaking_probe: Path, flags: int, message: str
) -> None:
    monkeypatch.setattr(compiled, "probe_for", lambda *_: breaking_probe)
    cases = write(tmp_path, broken_by(flags))
    found = {result.case.rpartition("/")[2]: result for result in judged(TARGET, cases)}
    assert {name: result.verdict.status for name, result in found.items()} == {"a": "PASS", "b": "FAIL", "c": "PASS"}
    assert found["b"].verdict.findings[0].message == message
    assert f"  kernel    {message}" in picture_of(found["b"], cases)


def test_a_panic_is_shown_with_the_log_that_belongs_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, breaking_probe: Path
) -> None:
    monkeypatch.setattr(compiled, "probe_for", lambda *_: breaking_probe)
    cases = write(tmp_path, broken_by(1001))
    broken = next(picture_of(result, cases) for result in judged(TARGET, cases) if result.case.endswith("/b"))
    assert "Kernel panic - not syncing: sysrq triggered crash" in broken
    assert "sysrq_handle_crash" in broken  # of the call trace
    assert broken.count("Kernel panic") == 2


def machines(pid: int) -> list[int]:
    """Return the QEMUs that a process started and that run a guest."""
    found = []
    for child in children(pid):
        with suppress(OSError):  # it has just ended
            if (
                Path(f"/proc/{child}/cmdline")
                .read_text()
                .partition("\0")[0]
                .rpartition("/")[2]
                .startswith("qemu-system")
            ):
                found.append(child)
    return found


def in_the_middle(act: signal.Signals) -> Callable[[int], None]:
    """Send a signal to the QEMU of this process when the hundredth result is there."""

    def send(count: int) -> None:
        if count == 100:
            (machine,) = machines(os.getpid())
            os.kill(machine, act)

    return send


def many(count: int) -> str:
    """Write so many cases that pass on every kernel."""
    case = """
- id: n{number}
  about: The pages of the range are locked.
  checks: [mlock.whole-pages]
  map:    aaa
  call:   mlock
  range:  .^.
  expect: {{result: 0, locked: .L.}}
"""
    return "".join(case.format(number=number) for number in range(count))


def test_a_qemu_that_is_stopped_is_a_kernel_that_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(channel, "_GRACE", 6.0)
    found = judged(TARGET, write(tmp_path, many(200)), time_limit=4.0, meanwhile=in_the_middle(signal.SIGSTOP))
    failed = [result for result in found if result.verdict.status == "FAIL"]
    assert [result.verdict.findings[0].message for result in failed] == ["the kernel hung: no answer in 10 s"]
    assert [str(result.verdict.status) for result in found].count("PASS") == 199


def test_a_qemu_that_is_killed_costs_one_case_which_is_unresolved(tmp_path: Path) -> None:
    found = judged(TARGET, write(tmp_path, many(200)), meanwhile=in_the_middle(signal.SIGKILL))
    lost = [result for result in found if result.verdict.status != "PASS"]
    assert [(result.verdict.status, result.verdict.reason.partition(";")[0]) for result in lost] == [
        ("UNRESOLVED", "QEMU was killed by SIGKILL")
    ]
    assert len(found) == 200


def wait_until(what: str, true: object) -> None:
    """Wait for something that must come to be."""
    deadline = time.monotonic() + 60
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_qemu_does_not_outlive_lockproof(tmp_path: Path, how: signal.Signals) -> None:
    write(tmp_path, many(20))
    process = start("run", "-t", TARGET, "--cases", "trouble.yaml", cwd=tmp_path)
    wait_until("no QEMU was started", lambda: machines(process.pid))
    (machine,) = machines(process.pid)
    process.send_signal(how)
    wait_until("QEMU lives on", lambda: not is_running(machine))
    process.communicate()


def test_a_guest_whose_init_ends_never_comes_up_and_the_end_of_its_log_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "init.c"
    source.write_text("int main(void) { return 3; }\n")
    subprocess.run(["cc", "-static", "-o", tmp_path / "init", source], check=True)
    monkeypatch.setattr(compiled, "probe_for", lambda *_: tmp_path / "init")
    found = judged(TARGET, write(tmp_path, SMALL))
    assert [result.verdict.status for result in found] == ["UNRESOLVED", "UNRESOLVED"]
    assert "the guest did not come up: QEMU ended with exit status 0" in found[0].verdict.reason
    assert "Attempted to kill init! exitcode=0x00000300" in found[0].verdict.reason


def test_a_guest_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = tmp_path / "init.c"
    source.write_text("#include <unistd.h>\nint main(void) { for (;;) pause(); }\n")
    subprocess.run(["cc", "-static", "-o", tmp_path / "init", source], check=True)
    monkeypatch.setattr(compiled, "probe_for", lambda *_: tmp_path / "init")
    usual = ARCHITECTURES["x86_64"]
    monkeypatch.setitem(ARCHITECTURES, "x86_64", replace(usual, machine=replace(usual.machine, patience=8.0)))
    found = judged(TARGET, write(tmp_path, SMALL))
    assert [result.verdict.status for result in found] == ["UNRESOLVED", "UNRESOLVED"]
    assert "the guest did not come up: no answer in 8 s; the console" in found[0].verdict.reason


def image() -> Path:
    """Return the image of the kernel."""
    return qemu.make(KERNEL).kernel.image


def refused(tmp_path: Path, target: str) -> str:
    """Run lockproof on a target that is refused, and give the one line that says why."""
    done = lockproof("run", "--offline", "-t", target, cwd=tmp_path)
    assert done.returncode == 2
    assert not (tmp_path / "results").exists()
    (line,) = done.stderr.splitlines()
    return line


def test_no_such_kernel(tmp_path: Path) -> None:
    assert refused(tmp_path, "qemu:debian/4.9").endswith("not fetched yet; run: lockproof kernel fetch debian/4.9")
    assert "no such file" in refused(tmp_path, "qemu:/nowhere/bzImage")


def test_a_kernel_of_another_architecture(tmp_path: Path) -> None:
    line = refused(tmp_path, f"qemu:{image()}@arm64")
    assert line.endswith(f"{image()}: a kernel of x86_64, not of arm64; leave out @arm64")


def test_a_truncated_image(tmp_path: Path) -> None:
    whole = image().read_bytes()
    (tmp_path / "bzImage").write_bytes(whole[: len(whole) // 2])
    line = refused(tmp_path, "qemu:./bzImage")
    assert "the kernel image is truncated: it has" in line
    assert line.endswith("get it again")


@pytest.mark.root
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "cache"
    small.mkdir()
    shutil.copy(image(), tmp_path / "bzImage")
    write(tmp_path, SMALL)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
    monkeypatch.setenv("LOCKPROOF_CACHE", str(small))
    try:
        done = lockproof("run", "-t", "qemu:./bzImage", "--cases", "trouble.yaml", cwd=tmp_path)
        left = [path for path in small.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    finally:
        subprocess.run(["umount", small], check=True)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "No space left on device; make room, or set LOCKPROOF_CACHE" in done.stdout + done.stderr
    assert [path.name for path in left if not path.name.startswith("kvm-")] == []


def test_two_lockproofs_at_once_share_one_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(image(), tmp_path / "bzImage")
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    write(tmp_path, SMALL)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    both = [start("run", "-t", "qemu:../bzImage", "--cases", "../trouble.yaml", cwd=folder) for folder in folders]
    for process in both:
        process.communicate(timeout=120)
    assert [process.returncode for process in both] == [1, 1]
    assert verdicts(folders[0]) == verdicts(folders[1])
    assert len(list((tmp_path / "cache" / "initramfs").glob("*.cpio"))) == 1


def test_two_runs_of_one_kernel_give_the_same_verdicts(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        lockproof("run", "-t", TARGET, "-j", "2", "mlock", "munlock", cwd=tmp_path / name)
        found.append({(result["case"]): result["verdict"] for result in results(tmp_path / name)})
    assert len(found[0]) > 100
    assert found[0] == found[1]
