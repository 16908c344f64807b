# SPDX-License-Identifier: Apache-2.0
"""Two machines of one kernel are two targets: when a run of them is resumed, compared or certified."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.certificates.certified import STATEMENT, key
from tests.command import SMALL, lockproof, start, until

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = "qemu:debian/6.12"
OTHER = f"{PLAIN}+smp=2+append=lsm="
REPEAT = 100
MACHINE = ("--smp", "2", "--append", "lsm=")

pytestmark = pytest.mark.qemu("debian/6.12")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold two cases in small/mlock.yaml."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mlock.yaml").write_text(SMALL)
    return tmp_path


def results(folder: Path) -> list[tuple[str, str, int]]:
    """Return target, case and repetition of each result of the only run that is complete to its last line."""
    (file,) = folder.glob("results/*/results.jsonl")
    found = [json.loads(line) for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [(each["target"], each["case"], each["repetition"]) for each in found]


def test_a_run_that_was_killed_goes_on_with_both_and_takes_neither_for_the_other(folder: Path) -> None:
    arguments = ("run", "-j", "1", "-t", PLAIN, "-t", OTHER, "--cases", "small", "--repeat", str(REPEAT))
    running = start(*arguments, cwd=folder)
    until(lambda: list(folder.glob("results/*/results.jsonl")) and len(results(folder)) > REPEAT, 120)
    running.kill()
    running.communicate()
    assert len(results(folder)) < 4 * REPEAT, "it was over before it could be killed"
    (run,) = (path.name for path in (folder / "results").iterdir())
    done = lockproof("run", "--resume", run, cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    found = results(folder)
    cases = ("small/mlock/hole-after-prefix", "small/mlock/success")
    assert sorted(found) == sorted(
        (target, case.removeprefix("small/"), number)
        for target in (PLAIN, OTHER)
        for case in cases
        for number in range(1, REPEAT + 1)
    )
    info = json.loads((folder / "results" / run / "run.json").read_text())["info"]
    assert {target: found["processors"] for target, found in info.items()} == {PLAIN: 1, OTHER: 2}
    assert [found["command_line"].endswith(" lsm=") for found in info.values()] == [False, True]


def test_runs_of_two_machines_are_compared_as_what_they_are(folder: Path) -> None:
    for name, machine in (("plain", ()), ("other", MACHINE)):
        done = lockproof("run", "-t", PLAIN, *machine, "--cases", "small", cwd=folder)
        assert (done.returncode, done.stderr) == (1, "")
        (run,) = (path for path in (folder / "results").iterdir() if path.name[0] == "2")
        run.rename(run.with_name(name))
    done = lockproof("compare", "plain", "other", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"plain {PLAIN} → other {OTHER}\n\nnew failures: none\n")
    assert lockproof("compare", "plain", f"other#{OTHER}", cwd=folder).returncode == 0
    done = lockproof("compare", "--same", "plain", "other", cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no case was run twice on a target of the same name" in done.stderr


def test_a_certificate_is_about_the_machine_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "STATEMENT.yaml").write_bytes(STATEMENT)
    done = lockproof("certify", "-t", PLAIN, *MACHINE, "-o", "made", "--key", str(key("vendor")), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads((tmp_path / "made" / "certificate.json").read_text())["target"] == OTHER
    (started,) = (line for line in done.stdout.splitlines() if line.startswith("  started "))
    assert started.endswith(" lsm=")
    verified = lockproof("certificate", "verify", "made", cwd=tmp_path)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert started in verified.stdout
