# SPDX-License-Identifier: Apache-2.0
"""A profile says which entries took the time of a run, those that took most of it first."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.profile import profiled
from lockproof.conformance.running.tally import Tally
from tests.command import SMALL, lockproof
from tests.running.test_known import result

if TYPE_CHECKING:
    from pathlib import Path


def tally(*costs: tuple[str, str, float]) -> Tally:
    made = Tally()
    for target, case, seconds in costs:
        made.add(replace(result(Status.PASS, case=case, target=target), seconds=seconds))
    return made


def test_the_combinations_of_an_entry_are_one_line_and_the_costly_stand_first() -> None:
    found = tally(("local", "a/b", 1.0), ("local", "a/c[x=1]", 2.5), ("local", "a/c[x=2]", 0.5), ("other", "a/b", 0.0))
    assert list(profiled(found)) == [
        "\nlocal: 4.0 s in 3 cases",
        "  a/c  3.0 s  75 %  2 cases",
        "  a/b  1.0 s  25 %  1 case",
        "\nother: 0.0 s in 1 case",
        "  a/b  0.0 s    1 case",
    ]


def test_repetitions_count() -> None:
    lines = list(profiled(tally(("local", "a/b", 1.0), ("local", "a/b", 2.0))))
    assert lines == ["\nlocal: 3.0 s in 1 case", "  a/b  3.0 s  100 %  1 case"]


def test_what_took_little_is_one_line() -> None:
    lines = list(profiled(tally(*(("local", f"a/{name}", 1.0) for name in "abcdefghijklmn"))))
    assert (len(lines), lines[-1]) == (14, "  2.0 s in 2 other entries")


def test_a_run_prints_it_on_request(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(SMALL)
    asked = ("run", "-t", "model:posix", "--cases", "cases.yaml")
    done = lockproof(*asked, "--profile", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"\nmodel:posix: \d+\.\d s in 2 cases\n", done.stdout)
    assert "s in 2 cases" not in lockproof(*asked, cwd=tmp_path).stdout
