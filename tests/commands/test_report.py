# SPDX-License-Identifier: Apache-2.0
"""Reports of runs: at the end of one, and of those that are on disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from tests.command import SMALL, lockproof

if TYPE_CHECKING:
    from pathlib import Path


def ran(folder: Path, *arguments: str) -> Path:
    """Run the cases, and return the folder of the run."""
    before = set((folder / "results").glob("*"))
    lockproof("run", "--cases", "small", *arguments, cwd=folder)
    (run,) = set((folder / "results").iterdir()) - before
    return run


def suites(text: str) -> list[str | None]:
    return [suite.get("name") for suite in etree.fromstring(text.encode())]


def test_the_report_of_a_run_on_disk_is_the_one_that_the_run_made(small: Path) -> None:
    run = ran(small)
    done = lockproof("report", run.name, "--as", "junit", cwd=small)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (run / "junit.xml").read_text()
    done = lockproof("report", str(run), "--as", "junit:per-target", "-o", "out", "--results", "/nowhere", cwd=small)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(file.name for file in (small / "out").iterdir()) == ["local.xml", "model-posix.xml"]


def test_a_report_of_several_runs_has_the_targets_of_all(small: Path) -> None:
    first, second = ran(small, "-t", "model:posix"), ran(small, "-t", "model:linux-6")
    done = lockproof("report", first.name, second.name, "--as", "junit", cwd=small)
    assert suites(done.stdout) == ["model-posix/mlock", "model-linux-6/mlock"]
    done = lockproof("report", first.name, f"old={first.name}", "--as", "junit", cwd=small)
    assert suites(done.stdout) == ["model-posix/mlock", "old-model-posix/mlock"]
    done = lockproof("report", first.name, first.name, "--as", "junit", cwd=small)
    assert done.returncode == 2
    assert "both have a target model:posix; write a name of your own before each" in done.stderr


def test_a_run_makes_the_reports_that_it_is_asked_for(small: Path) -> None:
    arguments = ("--report", "junit=-", "--report", "junit:per-target", "--report", "junit=mine/j.xml")
    done = lockproof("run", "--cases", "small", "-t", "model:posix", *arguments, cwd=small)
    (run,) = (small / "results").iterdir()
    assert done.returncode == 0
    assert suites(done.stdout) == ["model-posix/mlock"]
    assert "junit.xml, junit/\n" in done.stderr
    assert (small / "mine" / "j.xml").read_text() == done.stdout == (run / "junit.xml").read_text()
    assert [file.name for file in (run / "junit").iterdir()] == ["model-posix.xml"]


def test_a_report_of_cases_that_have_changed_has_no_pictures(small: Path) -> None:
    run = ran(small, "-t", "local", "mlock/hole-after-prefix")
    (small / "small" / "mlock.yaml").write_text(SMALL.replace("aaa__bbb", "aaa__bbc"))
    done = lockproof("report", run.name, "--as", "junit", cwd=small)
    assert done.returncode == 0
    assert "permitted .L.__... (page 2 became locked)\n  picture   none: the cases have changed since\n" in done.stdout


def test_a_run_that_is_being_written_is_reported_as_far_as_it_has_come(small: Path) -> None:
    run = ran(small, "-t", "local")
    lines = (run / "results.jsonl").read_text().splitlines(keepends=True)
    (run / "results.jsonl").write_text(lines[0] + lines[1][:-20])
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**manifest, "finished": None}))
    done = lockproof("report", run.name, "--as", "junit", cwd=small)
    assert done.stdout.count("<testcase") == 2
    assert "it was not run: the run ended before" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report", "nope", "--as", "junit"), "run 'nope': no such run in results; there is none yet"),
        (
            ("report", "nope", "--as", "juint"),
            "report 'juint': no kind of report is called 'juint'; did you mean junit?",
        ),
        (
            ("report", "nope", "--as", "junit=x"),
            "--as junit=x: 'x' is no option; write --as junit -o x",
        ),
        (("run", "--report", "juint"), "report 'juint': no kind of report is called 'juint'; did you mean junit?"),
        (
            ("run", "--report", "junit=-", "--events", "-"),
            "--report junit=- and --events - both have standard output for themselves; write one of them to a file",
        ),
    ],
)
def test_what_cannot_be_reported_gets_one_clear_line(small: Path, arguments: tuple[str, ...], message: str) -> None:
    done = lockproof(*arguments, cwd=small)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{message}\n")
    assert not (small / "results").exists()


def test_several_files_do_not_go_to_standard_output(small: Path) -> None:
    run = ran(small, "-t", "model:posix")
    done = lockproof("report", run.name, "--as", "junit:per-target", cwd=small)
    assert done.returncode == 2
    assert done.stderr == ("report 'junit': it is several files, which standard output cannot be; name a folder\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-t", "model:posix"), 0),
        (("-t", "local"), 1),
        (("-t", "command:false"), 125),
        (("--nonsense",), 129),
        (("nonsense",), 129),
        (("-t", "nonsense"), 129),
        (("-t", "model:posix", "--report", "junit=/dev/full"), 125),
    ],
)
def test_git_bisect_is_told_what_it_understands(small: Path, arguments: tuple[str, ...], code: int) -> None:
    done = lockproof("run", "--exit-code", "bisect", "--cases", "small", *arguments, cwd=small)
    assert done.returncode == code, done.stderr


def test_a_report_that_cannot_be_written_costs_no_other(small: Path) -> None:
    bad = ("--report", "junit=/dev/full", "--report", "junit:per-target=-", "--report", "ktap")
    done = lockproof("run", "--cases", "small", "-t", "model:posix", *bad, cwd=small)
    assert done.returncode == 3
    assert "junit.xml, results.ktap" in done.stderr
    assert done.stderr.splitlines()[-2:] == [
        "/dev/full: cannot be written: No space left on device; name another place for the report",
        "report 'junit': it is several files, which standard output cannot be; name a folder",
    ]


def test_signals_of_lava_come_as_cases_end_and_others_at_the_end(small: Path) -> None:
    done = lockproof("run", "--cases", "small", "-t", "local", "--repeat", "2", "--report", "lava", cwd=small)
    (run,) = (small / "results").iterdir()
    assert done.stdout == lockproof("report", run.name, "--as", "lava", cwd=small).stdout
    assert done.stdout.splitlines()[-2:] == [
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=success RESULT=pass>",
        "<LAVA_SIGNAL_TESTSET STOP>",
    ]
    lines = (run / "results.jsonl").read_text().splitlines(keepends=True)
    (run / "results.jsonl").write_text("".join(lines[:2]))
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**manifest, "finished": None}))
    again = lockproof("run", "--resume", run.name, "--report", "lava", cwd=small)
    assert sorted(again.stdout.splitlines()) == sorted(done.stdout.splitlines())
