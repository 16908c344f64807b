# SPDX-License-Identifier: Apache-2.0
"""`lockproof run --reading`: what a run was judged by stays with it, and is told to who compares it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.command import lockproof

if TYPE_CHECKING:
    from pathlib import Path

CASE, READING = "munlock/errors/endless-range[length=-1]", "size-max=wraps"
HOW = ("-t", "model:linux-6", CASE)


@pytest.fixture
def read(tmp_path: Path) -> Path:
    """Run a case by what was decided, and by another reading; the folder that both runs are in."""
    assert lockproof("run", *HOW, "--results", "usual", cwd=tmp_path).returncode == 1
    assert lockproof("run", *HOW, "--results", "other", "--reading", READING, cwd=tmp_path).returncode == 0
    return tmp_path


def run_of(folder: Path) -> Path:
    (run,) = folder.iterdir()
    return run


def test_a_run_keeps_by_what_it_was_judged(read: Path) -> None:
    runs = [run_of(read / name) for name in ("usual", "other")]
    kept = [json.loads((run / "run.json").read_text()) for run in runs]
    assert [manifest["readings"] for manifest in kept] == [[], [READING]]
    assert kept[0]["corpus"] != kept[1]["corpus"]


def test_a_run_is_resumed_by_the_same_reading(read: Path) -> None:
    run = run_of(read / "other")
    (run / "results.jsonl").write_text("")
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(manifest | {"finished": None}))
    resumed = lockproof("run", "--resume", run.name, "--results", "other", cwd=read)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert f"judged by {READING}" in resumed.stdout


def test_a_comparison_says_that_two_runs_were_judged_by_different_readings(read: Path) -> None:
    done = lockproof("compare", f"{run_of(read / 'usual')}", f"{run_of(read / 'other')}", cwd=read)
    said = " ".join(done.stdout.split())
    assert "judged by other readings of the standard" in said
    assert f"{run_of(read / 'other')} by {READING}" in said


def test_a_run_is_shown_with_the_reading_that_a_verdict_rests_on(read: Path) -> None:
    shown = lockproof("show", f"{run_of(read / 'other')}", CASE, cwd=read)
    assert f"the reading {READING}; lockproof explain --interpretations" in shown.stdout
