# SPDX-License-Identifier: Apache-2.0
"""Runs that are on disk are listed, drawn and run again in part; what fails only sometimes is flaky."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from lockproof.runners import shims
from tests.command import SMALL, lockproof

if TYPE_CHECKING:
    from pathlib import Path

FLAKY = """\
count=$(cat count 2>/dev/null || echo 0)
echo $((count + 1)) >count
case " $FAILS_AT " in
*" $count "*) exec {probe} "$@" ;;
*) LD_PRELOAD={shim} exec {libc} "$@" ;;
esac
"""
"""A probe that shows the kernel at some starts, and posixmlock at others."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold a run of two cases, of which the model of Linux fails one."""
    (tmp_path / "cases.yaml").write_text(SMALL)
    done = lockproof("run", "-t", "model:linux-2.6.16", "--cases", "cases.yaml", cwd=tmp_path)
    assert done.returncode == 1
    (run,) = (tmp_path / "results").iterdir()
    run.rename(tmp_path / "results" / "first")
    return tmp_path


def test_what_failed_is_run_again_where_it_failed_and_the_old_run_stays(folder: Path) -> None:
    before = (folder / "results" / "first" / "results.jsonl").read_bytes()
    done = lockproof("run", "--failed-in", "first", "--verbose", cwd=folder)
    assert done.returncode == 1
    assert "model:linux-2.6.16" in done.stdout
    (run,) = (path for path in (folder / "results").iterdir() if path.name != "first")
    assert len((run / "results.jsonl").read_text().splitlines()) == 1
    assert (folder / "results" / "first" / "results.jsonl").read_bytes() == before
    on_another = lockproof("run", "--failed-in", "first", "-t", "model:posix", cwd=folder)
    assert on_another.returncode == 0
    partial = [line for line in lockproof("runs", cwd=folder).stdout.splitlines() if "partial" in line]
    assert len(partial) == 2


def test_a_run_without_failures_has_nothing_to_run_again(folder: Path) -> None:
    assert lockproof("run", "-t", "model:posix", "--cases", "cases.yaml", cwd=folder).returncode == 0
    (run,) = (path.name for path in (folder / "results").iterdir() if path.name != "first")
    done = lockproof("run", "--failed-in", run, cwd=folder)
    assert (done.returncode, done.stderr) == (
        2,
        f"run '{run}': nothing failed in it; leave out --failed-in to run everything\n",
    )


def test_a_run_is_drawn_from_disk(folder: Path) -> None:
    done = lockproof("show", "first", cwd=folder)
    assert done.returncode == 0
    assert "cases/hole-after-prefix on model linux" in done.stdout
    assert "  after     .LL__...            page 2 became locked\n" in done.stdout
    assert "cases/success" not in done.stdout
    one = lockproof("show", "first", "cases/success", cwd=folder)
    assert "cases/success on model linux" in one.stdout
    assert "hole-after-prefix" not in one.stdout
    wrong = lockproof("show", "first", "cases/sucess", cwd=folder)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_runs_are_listed_with_what_they_are(folder: Path) -> None:
    (folder / "results" / "broken").mkdir()
    (folder / "results" / "broken" / "run.json").write_text("{")
    done = lockproof("runs", cwd=folder)
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    assert line.split("  ")[0] == "first"
    assert line.endswith("complete  model:linux-2.6.16")
    assert done.stderr.startswith("results/broken/run.json: cannot be read as a run")


@pytest.mark.parametrize(
    ("fails_at", "code", "words"),
    [
        ("0 1", 1, "mlock.failure.no-change"),
        ("0", 0, "flaky: mlock.failure.no-change: after .LL__... permitted .L.__... (page 2 became locked) (1 of 3"),
    ],
)
def test_a_failure_counts_once_it_is_confirmed_and_is_flaky_otherwise(
    tmp_path: Path, fails_at: str, code: int, words: str
) -> None:
    (tmp_path / "cases.yaml").write_text(SMALL)
    native = files("lockproof") / "native"
    names = {
        "probe": native / "lockproof-probe",
        "libc": native / "lockproof-probe-glibc",
        "shim": shims.path("posixmlock"),
    }
    script = tmp_path / "probe.sh"
    text = f"FAILS_AT='{fails_at}'\n{FLAKY}"
    for name, path in names.items():
        text = text.replace(f"{{{name}}}", str(path))
    script.write_text(text)
    target = f"command:sh {script}"
    done = lockproof("run", "-t", target, "--cases", "cases.yaml", "--confirm", "3", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (code, "")
    assert words in done.stdout
    assert ("flaky, neither PASS nor FAIL for certain: 1" in done.stdout) is (code == 0)
    (run,) = (tmp_path / "results").iterdir()
    repetitions = [line.partition('"repetition":')[2][0] for line in (run / "results.jsonl").read_text().splitlines()]
    assert sorted(repetitions) == ["1", "1", "2", "3"]  # only what failed is run again
