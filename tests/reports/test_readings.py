# SPDX-License-Identifier: Apache-2.0
"""Every report names the reading of the standard that a verdict rests on, whether it is a PASS or a FAIL."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports import kinds, terminal
from lockproof.conformance.reports.kinds import KINDS
from tests.reports.made_up import CASE, manifest, result, run, verdict

if TYPE_CHECKING:
    from lockproof.conformance.running.results import Result

READING = "size-max=wraps"


def resting(status: Status, case: str = "mlock/no-change/hole") -> Result:
    return result(status, case, verdict=replace(verdict(status, "why"), rests_on=(READING,)))


@pytest.mark.parametrize("status", [Status.PASS, Status.FAIL])
@pytest.mark.parametrize("kind", [*KINDS, "ktap:selftests"])
def test_a_report_names_the_reading_that_a_verdict_rests_on(kind: str, status: Status) -> None:
    made = kinds.make(kinds.read(kind), [run(resting(status))])
    text = made if isinstance(made, str) else "\n".join(made.values())
    plain = kinds.make(kinds.read(kind), [run(result(status))])
    assert READING in text
    assert READING not in (plain if isinstance(plain, str) else "\n".join(plain.values()))


@pytest.mark.parametrize("kind", ["junit", "html", "kcidb", "ktap", "ktap:selftests"])
def test_a_report_says_by_which_readings_a_run_was_judged(kind: str) -> None:
    made = kinds.make(kinds.read(kind), [run(result(Status.PASS), of=manifest(readings=(READING,)))])
    assert isinstance(made, str)
    assert READING in made


def shown(*parts: object) -> str:
    out = StringIO()
    Console(file=out, width=200).print(*parts)
    return out.getvalue()


@pytest.mark.parametrize("status", [Status.PASS, Status.FAIL])
def test_the_terminal_names_it_with_each_case_and_at_the_end(status: Status) -> None:
    one = resting(status, "mlock/hole")
    of = run(one, of=manifest(readings=(READING,)))
    entry = terminal.entry(one, replace(CASE, name="mlock/hole"), of.manifest.info["local"], verbose=True)
    assert READING in shown(entry)
    said = shown(*terminal.closing(of, 200))
    assert f"judged by {READING}" in said
    assert f"  {READING}: 1 verdict\n" in said


def test_what_runs_a_case_again_judges_by_the_same_readings() -> None:
    one = result(Status.FAIL)
    assert f"--reading {READING}" in run(one, of=manifest(readings=(READING,))).rerun(one)
