# SPDX-License-Identifier: Apache-2.0
"""Bad luck in the middle of a run: nothing that was recorded is lost, and the exit code says that something went wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.command import LOCKPROOF, SMALL, children, lockproof, results, start, until, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 3000
"""Repetitions that take long enough to be interrupted."""


def lines(small: Path) -> int:
    """Count the results of the only run in a folder, if there is one yet."""
    return sum(file.read_bytes().count(b"\n") for file in small.glob("results/*/results.jsonl"))


def has_grown(small: Path, before: int) -> bool:
    """Tell whether the only run in a folder has 50 results more than before."""
    return lines(small) > before + 50


def run_of(small: Path) -> str:
    """Return the id of the only run in a folder."""
    return next((small / "results").iterdir()).name


def many(small: Path, *more: str) -> subprocess.Popen[str]:
    """Start a long run on `local`, and wait until it has recorded something."""
    process = start("run", "-t", "local", "--cases", "small", "--repeat", str(MANY), *more, cwd=small)
    until(lambda: lines(small) > 50)
    return process


def test_a_killed_probe_costs_one_case_and_the_exit_code_is_3(small: Path) -> None:
    process = many(small)
    for _ in range(3):
        before = lines(small)
        for probe in children(process.pid):
            os.kill(probe, signal.SIGKILL)
        until(partial(has_grown, small, before))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 3
    assert err == ""
    statuses = [result["verdict"]["status"] for result in results(small)]
    assert len(statuses) == 2 * MANY
    unresolved = [
        result["verdict"]["reason"] for result in results(small) if result["verdict"]["status"] == "UNRESOLVED"
    ]
    assert 1 <= len(unresolved) <= 3
    assert set(unresolved) == {"the probe was killed by SIGKILL"}
    assert "UNRESOLVED" in out


def test_kill_9_of_lockproof_loses_nothing_and_resume_runs_what_is_missing(small: Path) -> None:
    process = many(small)
    process.kill()
    process.wait()
    recorded = (small / "results" / run_of(small) / "results.jsonl").read_bytes()
    whole = recorded[: recorded.rfind(b"\n") + 1]
    assert 50 < whole.count(b"\n") < 2 * MANY

    done = lockproof("run", "--resume", run_of(small), cwd=small)
    assert done.returncode == 1  # the deviation that both halves saw
    found = results(small)
    assert len({(result["case"], result["repetition"]) for result in found}) == len(found) == 2 * MANY
    assert (small / "results" / run_of(small) / "results.jsonl").read_bytes().startswith(whole)
    assert json.loads((small / "results" / run_of(small) / "run.json").read_text())["finished"] is not None


def test_a_line_that_the_kill_cut_short_is_run_again(small: Path) -> None:
    lockproof("run", "-t", "model:posix", "--cases", "small", cwd=small)
    file = small / "results" / run_of(small) / "results.jsonl"
    file.write_bytes(file.read_bytes()[:-40])
    assert lockproof("run", "--resume", run_of(small), cwd=small).returncode == 0
    assert [result["case"] for result in results(small)] == ["mlock/hole-after-prefix", "mlock/success"]


def test_no_probe_outlives_lockproof(small: Path) -> None:
    process = many(small)
    probes = children(process.pid)
    assert len(probes) == 1
    process.kill()
    process.wait()
    until(lambda: not Path(f"/proc/{probes[0]}").exists())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_a_report_of_what_ran(small: Path, number: signal.Signals) -> None:
    process = many(small, "-j", "2")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err == "Ending what is under way; once more to stop at once.\n"
    ran = lines(small)
    assert (
        out.splitlines()[-1]
        == f"Interrupted: {ran} of {2 * MANY} ran; lockproof run --resume {run_of(small)} runs the others"
    )
    assert (small / "results" / run_of(small) / "junit.xml").read_text().count("<testcase") == 2
    assert lockproof("run", "--resume", run_of(small), cwd=small).returncode == 1
    assert lines(small) == 2 * MANY


def test_a_run_whose_cases_have_changed_is_not_resumed(small: Path) -> None:
    lockproof("run", "-t", "model:posix", "--cases", "small", cwd=small)
    (small / "small" / "mlock.yaml").write_text(SMALL.replace("range:  .^.", "range:  ^^."))
    done = lockproof("run", "--resume", run_of(small), cwd=small)
    assert done.returncode == 2
    assert done.stderr == f"run '{run_of(small)}': its cases have changed since; start a new run\n"


def test_a_target_that_does_not_start_makes_its_cases_unresolved_and_the_others_run(small: Path) -> None:
    done = lockproof("run", "-t", "command:false", "-t", "model:posix", "--cases", "small", "-j", "2", cwd=small)
    assert done.returncode == 3
    assert verdicts(small) == {
        ("command:false", "mlock/hole-after-prefix"): "UNRESOLVED",
        ("command:false", "mlock/success"): "UNRESOLVED",
        ("model:posix", "mlock/hole-after-prefix"): "PASS",
        ("model:posix", "mlock/success"): "PASS",
    }
    assert "command:false: the probe ended with exit status 1" in done.stdout


def test_garbage_on_the_stream_is_unresolved_with_the_garbage(small: Path) -> None:
    target = "command:sh -c '{probe} | sed -u s/execution/executiom/'"
    done = lockproof("run", "-t", target, "--cases", "small", cwd=small)
    assert done.returncode == 3
    assert all(
        'not the protocol, no line of a trace: \'{"executiom":0' in result["verdict"]["reason"]
        for result in results(small)
    )


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.root
def test_a_full_disk_ends_the_run_and_keeps_every_line(small: Path, tiny_disk: Path) -> None:
    command = ("run", "-t", "model:posix", "--cases", "small", "--repeat", "5000", "--results", str(tiny_disk))
    done = lockproof(*command, cwd=small)
    assert done.returncode == 3
    (run,) = tiny_disk.iterdir()
    full = "No space left on device; what was recorded before is kept, make room and run again with --resume"
    assert done.stderr == f"{run}/results.jsonl: {full}\n"
    recorded = (run / "results.jsonl").read_bytes()
    assert recorded.endswith(b"\n")
    assert recorded.count(b"\n") > 100
    found: list[dict[str, Any]] = [json.loads(line) for line in recorded.splitlines()]
    assert {result["verdict"]["status"] for result in found} == {"PASS"}

    subprocess.run(["mount", "-o", "remount,size=64m", tiny_disk], check=True)
    assert lockproof("run", "--resume", run.name, "--results", str(tiny_disk), cwd=small).returncode == 0
    assert (run / "results.jsonl").read_bytes().startswith(recorded)
    assert (run / "results.jsonl").read_bytes().count(b"\n") == 10000


def test_two_lockproofs_do_not_write_one_run(small: Path) -> None:
    process = many(small)
    done = lockproof("run", "--resume", run_of(small), cwd=small)
    assert done.returncode == 3
    assert "another lockproof is writing this run" in done.stderr
    process.terminate()
    process.communicate(timeout=60)


def test_a_run_is_not_resumed_on_another_kernel(small: Path) -> None:
    release = small / "release"
    release.write_text("5.10.0")
    target = f"command:sh -c '{{probe}} | sed -u s/$(uname -r)/$(cat {release})/'"
    lockproof("run", "-t", target, "--cases", "small", cwd=small)
    file = small / "results" / run_of(small) / "results.jsonl"
    recorded = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(recorded[0])
    release.write_text("6.99.0")
    done = lockproof("run", "--resume", run_of(small), "-t", target, cwd=small)
    machine = os.uname().machine
    assert (done.returncode, done.stderr) == (2, (
        f"run '{run_of(small)}': it began on Linux 5.10.0 {machine}, and {target} is now Linux 6.99.0 {machine}; "
        "start a new run\n"
    ))  # fmt: skip
    assert file.read_bytes() == recorded[0]


@pytest.mark.parametrize(
    ("stdout", "code", "said"),
    [
        ("| head -n 1", 1, ""),
        (">/dev/full", 3, "standard output: No space left on device; what was to be printed is not all there\n"),
    ],
)
def test_a_run_goes_on_when_nobody_reads_what_it_prints(small: Path, stdout: str, code: int, said: str) -> None:
    command = f"{LOCKPROOF} run -t local --cases small --repeat 200 -v {stdout}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=small, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (code, said)
    assert lines(small) == 400
    assert (small / "results" / run_of(small) / "junit.xml").exists()


def test_a_terminal_without_arrows_gets_another_character(small: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = lockproof("run", "-t", "local", "--cases", "small", cwd=small, env=environment)
    assert (done.returncode, done.stderr) == (1, "")
    assert "? -1 ENOMEM" in done.stdout


def test_a_probe_that_dies_of_a_signal_without_a_name_is_reported(small: Path) -> None:
    done = lockproof("run", "-t", "command:sh -c 'kill -35 $$'", "--cases", "small", cwd=small)
    assert done.returncode == 3
    assert "was killed by signal 35" in done.stdout


def test_brackets_in_names_are_shown_as_they_are(small: Path) -> None:
    done = lockproof("run", "-t", "model:posix", "--cases", "small", "--results", "a[/b]", cwd=small)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("a[/b]/")
