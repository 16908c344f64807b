# SPDX-License-Identifier: Apache-2.0
"""`lockproof baseline` and `lockproof run --baseline`, started as their user would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.command import SMALL, lockproof

if TYPE_CHECKING:
    from pathlib import Path

RUN = ("run", "-t", "local", "--cases", "cases.yaml")
BASELINE = ("--baseline", "known.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold a run of one case that Linux fails and one that it passes."""
    (tmp_path / "cases.yaml").write_text(SMALL)
    assert lockproof(*RUN, cwd=tmp_path).returncode == 1
    (run,) = (tmp_path / "results").iterdir()
    run.rename(tmp_path / "results" / "first")
    return tmp_path


def update(folder: Path) -> str:
    done = lockproof("baseline", "update", "first", *BASELINE, "--cases", "cases.yaml", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def explain(folder: Path) -> None:
    path = folder / "known.yaml"
    path.write_text(
        path.read_text().replace("unexplained", "it keeps locks", 1).replace("unexplained", "https://e.org")
    )


def test_a_run_becomes_a_baseline_and_then_has_no_news(folder: Path) -> None:
    assert update(folder) == "known.yaml: none seen otherwise than before, 1 new, which has to be explained\n"
    assert "  - cases/hole-after-prefix\n  finding: mlock.failure.no-change\n" in (folder / "known.yaml").read_text()
    unexplained = lockproof(*RUN, *BASELINE, cwd=folder)
    assert unexplained.returncode == 2
    assert [line.split(": ")[1] for line in unexplained.stderr.splitlines()] == ["about", "url"]
    explain(folder)
    known = lockproof(*RUN, *BASELINE, cwd=folder)
    assert known.returncode == 0
    assert "1 known deviation, none new" in known.stdout
    assert "became locked" not in known.stdout


def test_an_update_writes_what_was_seen_and_keeps_all_else(folder: Path) -> None:
    update(folder)
    explain(folder)
    path = folder / "known.yaml"
    path.write_text(
        path.read_text().replace("  finding", "  # by hand\n  finding").replace("expires", "expires  ") + "# end\n"
    )
    before = path.read_text()
    more = "; known.findings.json: 1 finding more\n"
    assert update(folder) == f"known.yaml: 1 seen otherwise than before{more}"
    after = path.read_text()
    assert re.sub(r"\n  seen:\n    local: \{release: [^ ]+, run: [^ ]+, count: 1\}", "", after) == before
    assert update(folder) == "known.yaml: none seen otherwise than before\n"
    assert path.read_text() == after
    check = lockproof("baseline", "check", *BASELINE, "--cases", "cases.yaml", cwd=folder)
    assert check.returncode == 0
    assert "seen on 1 target\n" in check.stdout


def test_a_kernel_that_got_better_is_no_failure_unless_asked_for(folder: Path) -> None:
    update(folder)
    explain(folder)
    path = folder / "known.yaml"
    path.write_text(path.read_text().replace("cases/hole-after-prefix", "cases"))
    done = lockproof(*RUN, *BASELINE, cwd=folder)
    assert done.returncode == 0
    assert "1 unexpected pass; --verbose lists them" in done.stdout
    assert "is not seen any more" not in done.stdout
    listed = lockproof(*RUN, *BASELINE, "--verbose", "--strict-baseline", cwd=folder)
    assert listed.returncode == 1
    assert "  local  cases/success: known-mlock-failure-no-change is not seen any more" in listed.stdout


def test_an_entry_that_has_expired_excuses_nothing_and_says_so(folder: Path) -> None:
    update(folder)
    explain(folder)
    path = folder / "known.yaml"
    path.write_text(re.sub(r"expires: \S+", "expires: 2020-01-01", path.read_text()))
    done = lockproof(*RUN, *BASELINE, cwd=folder)
    assert done.returncode == 1
    assert "known-mlock-failure-no-change excused it until it expired on 2020-01-01" in done.stdout
    check = lockproof("baseline", "check", *BASELINE, "--cases", "cases.yaml", cwd=folder)
    assert check.returncode == 1
    assert "expired on 2020-01-01, excuses nothing" in check.stdout


def test_the_old_format_gets_one_line(folder: Path) -> None:
    (folder / "known.yaml").write_text("targets: [local]\nreasons: {}\ndeviations: []\n")
    done = lockproof(*RUN, *BASELINE, cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "the format of before, by versions; write a list of what is known" in done.stderr
