# SPDX-License-Identifier: Apache-2.0
"""The cases as pytest items, in a pytest of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.command import SMALL

if TYPE_CHECKING:
    from pathlib import Path

QUALITY = """\
- id: counted
  about: What is locked is counted.
  checks: [quality.accounting]
  for-each: {pages: {one: .^.., two: .^^.}}
  map:    aaaa
  call:   mlock
  range:  $pages
  expect: {accounting: exact}
- id: sweep
  about: Every allocation inside the call fails once.
  checks: [quality.accounting]
  map:    aaaa
  call:   mlock
  range:  .^^.
  fault:  each-allocation
  expect: {accounting: exact}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two case files."""
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "mlock.yaml").write_text(SMALL)
    (tmp_path / "cases" / "quality.yaml").write_text(QUALITY)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on the cases."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore", "cases", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_items_have_readable_ids(folder: Path) -> None:
    done = run(folder, "--target", "local", "--target", "model:posix", "--collect-only", "-q")
    assert done.stdout.splitlines()[:10] == [
        "cases/mlock.yaml::local::hole-after-prefix",
        "cases/mlock.yaml::local::success",
        "cases/mlock.yaml::model:posix::hole-after-prefix",
        "cases/mlock.yaml::model:posix::success",
        "cases/quality.yaml::local::counted[pages=one]",
        "cases/quality.yaml::local::counted[pages=two]",
        "cases/quality.yaml::local::sweep",
        "cases/quality.yaml::model:posix::counted[pages=one]",
        "cases/quality.yaml::model:posix::counted[pages=two]",
        "cases/quality.yaml::model:posix::sweep",
    ]


def test_a_deviation_fails_with_the_picture_and_without_a_traceback(folder: Path) -> None:
    done = run(folder, "--target", "local")
    assert done.returncode == 1
    assert "  after     .LL__...            page 2 became locked\n" in done.stdout
    assert "Traceback" not in done.stdout
    assert "pytest_plugin.py" not in done.stdout
    assert "1 failed, 3 passed, 1 skipped" in done.stdout


def test_what_a_target_cannot_do_is_skipped_with_its_reason(folder: Path) -> None:
    done = run(folder, "--target", "local", "-k", "sweep", "-rs")
    assert "UNTESTED: the target offers no way to make its allocations fail" in done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_target_of_which_nothing_was_found_out_fails_the_session(folder: Path, workers: tuple[str, ...]) -> None:
    done = run(folder, "--target", "local", "--target", "model:posix", "-k", "sweep", *workers)
    assert done.returncode == 1
    assert "local: nothing was found out, no case passed and none failed" in done.stdout
    assert "model:posix: nothing" not in done.stdout
    assert "1 passed, 1 skipped" in done.stdout


def test_what_could_not_be_found_out_is_an_error(folder: Path) -> None:
    done = run(folder, "--target", "command:false", "cases/mlock.yaml")
    assert done.returncode == 1
    assert "UNRESOLVED: command:false: the probe ended with exit status 1" in done.stdout
    assert " errors in " in done.stdout
    assert not re.search("[0-9] passed", done.stdout)
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("arguments", "summary"), [
    (("-m", "posix"), "2 passed, 3 deselected"),
    (("-m", "quality", "-k", "counted"), "2 passed, 3 deselected"),
    (("-k", "hole"), "1 passed, 4 deselected"),
    (("-n", "2"), "5 passed"),
    (("-n", "2", "--dist", "loadgroup"), "5 passed"),
])  # fmt: skip
def test_selection_and_distribution_are_those_of_pytest(folder: Path, arguments: tuple[str, ...], summary: str) -> None:
    done = run(folder, "--target", "model:posix", *arguments)
    assert done.returncode == 0
    assert summary in done.stdout


def test_a_target_is_started_once_for_each_worker(folder: Path) -> None:
    log = folder / "starts"
    target = f"command:sh -c 'echo started >>{log}; exec {{probe}}'"
    assert run(folder, "--target", target, "-m", "quality", "-n", "2", "--dist", "loadgroup").returncode == 0
    assert log.read_text().splitlines() == ["started"]


def test_a_bad_case_file_is_a_collection_error_with_its_line(folder: Path) -> None:
    (folder / "cases" / "mlock.yaml").write_text(SMALL.replace("  range:", "  ranges:", 1))
    done = run(folder, "--target", "local")
    assert "cases/mlock.yaml:7:3: ranges: is no field here; did you mean range?" in done.stdout
    assert "Traceback" not in done.stdout


def test_an_unknown_target_is_a_usage_error(folder: Path) -> None:
    done = run(folder, "--target", "locl")
    assert done.returncode == 4
    assert (
        "ERROR: target 'locl': no kind of target, and there is no targets.toml here or above that could name it; did you mean local?"
        in done.stderr
    )


def test_without_a_target_nothing_is_collected(folder: Path) -> None:
    assert "no tests ran" in run(folder).stdout
