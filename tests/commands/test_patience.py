# SPDX-License-Identifier: Apache-2.0
"""Whatever a target does, it takes neither all time nor all memory, and Ctrl-C is obeyed."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from lockproof.runners.probe.compiled import host_probe
from tests.command import SMALL, children, is_running, lockproof, results, start, until

MISBEHAVING = Path(__file__).with_name("misbehaving.py")


def target(kind: str) -> str:
    return f"command:{sys.executable} {MISBEHAVING} {kind} {host_probe()}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two cases in `small/mlock.yaml`."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mlock.yaml").write_text(
        SMALL.replace("aaa__bbb", "aaa").replace(".L.__...", ".L.").replace(".^^^^^^.", ".^.")
    )
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("executions", "more than 10000 executions of one program"),
        ("steps", "a first snapshot that is not the first of its execution"),
        ("refusals", "a trace longer than 64 MiB"),
        ("one-line", "a line longer than 4194304 bytes"),
    ],
)
def test_an_endless_answer_is_no_answer(folder: Path, kind: str, why: str) -> None:
    done = lockproof("run", "-t", target(kind), "--cases", "small", "mlock/success", cwd=folder)
    assert done.returncode == 3
    (result,) = results(folder)
    assert result["verdict"]["status"] == "UNRESOLVED"
    assert f"not the protocol, {why}" in result["trace"][-1]["lost"]


def runs(folder: Path) -> list[Path]:
    return list(folder.glob("results/*/run.json"))


KINDS = ("no-hello", "silent", "closed", "errors", "executions", "refusals", "one-line")
"""Not `steps`: what breaks the protocol at once is not under way for long."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_ends_a_run_whatever_its_target_does(folder: Path, kind: str, number: signal.Signals) -> None:
    process = start(
        "run", "-t", target(kind), "--cases", "small", "--repeat", "1000", "--time-limit", "3600", cwd=folder
    )
    started = ["info"] if kind != "no-hello" else ["run"]
    until(lambda: any(json.loads(path.read_text())[field] for field in started for path in runs(folder)))
    until(lambda: children(process.pid))
    (probe,) = children(process.pid)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)  # the target would take an hour
    assert process.returncode == 128 + number
    assert err == "Ending what is under way; once more to stop at once.\n"
    assert "Interrupted: " in out.splitlines()[-1]
    assert len(list(folder.glob("results/*/junit.xml"))) == 1
    until(lambda: not is_running(probe))


@pytest.mark.parametrize("kind", ["no-hello", "silent", "executions"])
def test_a_signal_ends_a_search_whatever_its_target_does(tmp_path: Path, kind: str) -> None:
    process = start("explore", target(kind), "--seconds", "3600", cwd=tmp_path)
    # A child that has not executed its program yet has the command line of its parent.
    until(lambda: any("misbehaving" in line and "explore" not in line for line in map(command, children(process.pid))))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in err


def command(pid: int) -> str:
    """Return the command line of a process, if it lives."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
