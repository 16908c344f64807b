# SPDX-License-Identifier: Apache-2.0
"""A second defect in a case that is known to fail is news, although it breaks what is known to be broken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.requirements import Aspect
from lockproof.conformance.reports import terminal
from lockproof.conformance.running.shown import as_text, file_of, read
from lockproof.conformance.running.sightings import additions, shown
from tests.helpers import target_info
from tests.running.test_known import FAILS, KNOWN, NEWS, TODAY, assessment, baseline, finding, result, summary
from tests.running.test_sightings import baseline as issue
from tests.running.test_sightings import run as ran

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.judging.verdict import Finding

SHOWN = {"a/b": {"mlock.x:locked": frozenset({"0: page 2 became locked"})}}
OTHER = replace(finding(), message="page 3 became locked", pages=(3,))
AS_BEFORE = replace(baseline(), shown=SHOWN)


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ((finding(),), KNOWN),
        ((replace(finding(), execution=7, fault="allocation 7"),), KNOWN),
        ((finding(), replace(finding(), execution=2)), KNOWN),
        ((OTHER,), NEWS),
        ((finding(), OTHER), NEWS),
        ((finding(step=1),), NEWS),
    ],
)
def test_a_known_failure_that_shows_more_than_before_is_news(found: tuple[Finding, ...], what: tuple[int, ...]) -> None:
    assert summary(assessment(AS_BEFORE, result(Status.FAIL, *found))) == what


def test_where_nobody_wrote_down_what_was_seen_the_kind_of_finding_is_enough() -> None:
    assert summary(assessment(baseline(), result(Status.FAIL, OTHER))) == KNOWN
    elsewhere = replace(baseline(), shown={"a/c": SHOWN["a/b"]})
    assert summary(assessment(elsewhere, result(Status.FAIL, OTHER))) == KNOWN


def test_the_news_says_which_entry_it_goes_beyond() -> None:
    lines = list(terminal.assessed(assessment(AS_BEFORE, result(Status.FAIL, finding(), OTHER)), verbose=False))
    assert lines[1] == "  local  a/b: mlock.x: page 3 became locked; more than known is known to show"


def test_counts_outside_the_arena_do_not_matter_as_they_differ_between_kernels() -> None:
    message = "3 pages counted as locked, 4 locked"
    one = replace(finding(aspect=Aspect.ACCOUNTING), message=message, pages=())
    assert one.shown == replace(one, message="300 pages counted as locked, 301 locked").shown == "0: accounting"
    assert replace(one, aspect=Aspect.RESULT).shown == f"0: {message}"


def test_a_run_adds_what_it_has_seen_of_what_is_known_and_nothing_else() -> None:
    runs = [ran(hole_a=Status.FAIL, hole_b=Status.PASS, other=Status.FAIL)]
    seen = {"folder/hole-a": {"mlock.no-change:locked": frozenset({"0: page 2 became locked"})}}
    assert shown(issue(), runs, TODAY) == seen
    before = {"folder/hole-a": {"mlock.no-change:locked": frozenset({"1: x"}), "mlock.gone:locked": frozenset({"y"})}}
    both = {"folder/hole-a": {"mlock.no-change:locked": frozenset({"0: page 2 became locked", "1: x"})}}
    assert shown(replace(issue(), shown=before), runs, TODAY) == both


def test_what_goes_beyond_an_entry_gets_no_second_one() -> None:
    known = replace(issue(), shown={"folder/hole-a": {"mlock.no-change:locked": frozenset()}})
    assert additions([known], [ran(hole_a=Status.FAIL)], TODAY) == []


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = file_of(tmp_path / "linux.yaml")
    assert path.name == "linux.findings.json"
    assert read(path) == {}
    path.write_text(as_text(SHOWN))
    assert read(path) == SHOWN


@pytest.mark.parametrize("text", ["", "[]", '{"a/b": ["mlock.x:locked"]}', '{"a/b": {"mlock.x:locked": [1]}}'])
def test_what_is_no_such_file_gets_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "linux.findings.json"
    path.write_text(text)
    with pytest.raises(
        UsageError, match=r"linux\.findings\.json: .*; remove it, and make it anew with lockproof baseline"
    ):
        read(path)


def test_other_kernels_are_no_place_to_learn_from() -> None:
    assert summary(assessment(AS_BEFORE, FAILS, info={"local": target_info(release="7.5.0")})) == NEWS
