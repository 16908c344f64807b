# SPDX-License-Identifier: Apache-2.0
"""`lockproof run` without sweeps, or with some of each, says so wherever its run is looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.command import SMALL, lockproof

if TYPE_CHECKING:
    from pathlib import Path

CASES = f"""{SMALL}\
- id: swept
  about: The call succeeds, or fails and changes nothing.
  checks: [mlock.failure.no-change]
  map:    aabb
  call:   mlock
  range:  .^^.
  fault:  $fault
  for-each: {{fault: [each-allocation, from-each-allocation]}}
  expect:
    - {{result: 0, locked: .LL.}}
    - {{result: [EAGAIN, ENOMEM], locked: unchanged}}
"""
RUN = ("run", "-t", "model:posix", "--cases", "cases.yaml")


@pytest.mark.parametrize(
    ("asked", "count", "extent"),
    [
        ((), 4, "complete"),
        (("--sweeps", "full"), 4, "complete"),
        (("--sweeps", "quick"), 3, "partial: all cases with quick sweeps"),
        (("--no-sweeps",), 2, "partial: all cases without sweeps"),
    ],
)
def test_a_run_says_how_much_of_the_sweeps_it_has(
    tmp_path: Path, asked: tuple[str, ...], count: int, extent: str
) -> None:
    (tmp_path / "cases.yaml").write_text(CASES)
    assert lockproof(*RUN, *asked, cwd=tmp_path).returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    assert len((folder / "results.jsonl").read_text().splitlines()) == count
    assert extent in lockproof("runs", cwd=tmp_path).stdout
    made = json.loads((folder / "run.json").read_text())
    made["finished"] = None
    (folder / "run.json").write_text(json.dumps(made))
    (folder / "results.jsonl").write_text("")
    assert lockproof("run", "--resume", folder.name, cwd=tmp_path).returncode == 0
    assert len((folder / "results.jsonl").read_text().splitlines()) == count


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("--no-sweeps", "cases/swept"), "all cases that are asked for are sweeps; leave out --no-sweeps\n"),
        (("--no-sweeps", "--sweeps", "quick"), "--no-sweeps leaves out all of them; leave out --sweeps\n"),
        (("--sweeps", "slow"), "Invalid value for '--sweeps': 'slow' is not one of 'quick', 'full'"),
    ],
)
def test_what_contradicts_itself_gets_one_line(tmp_path: Path, asked: tuple[str, ...], message: str) -> None:
    (tmp_path / "cases.yaml").write_text(CASES)
    done = lockproof(*RUN, *asked, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
