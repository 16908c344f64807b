# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.language.strips import MAX_PAGES, PageRun, compact, expand, runs, unlocked

STRIPS = st.lists(
    st.tuples(st.sampled_from("LF._?^aZé"), st.integers(1, 20) | st.just(2000)), min_size=1, max_size=8
).map(lambda items: "".join(character * count for character, count in items))


@given(STRIPS)
def test_expanding_undoes_compacting(strip: str) -> None:
    assert expand(compact(strip)) == strip


@given(STRIPS)
def test_a_compacted_strip_has_no_run_of_five(strip: str) -> None:
    short = compact(strip)
    assert not any(run.pages > 4 for run in runs(short) if run.character not in "0123456789")
    assert len(short) <= len(strip)


@given(st.text())
def test_any_text_is_a_strip_or_a_value_error(text: str) -> None:
    refused = ""
    try:
        assert 1 <= len(expand(text)) <= MAX_PAGES
    except ValueError as error:
        refused = str(error)
    assert not refused or "; write" in refused


@pytest.mark.parametrize(
    ("text", "strip"),
    [
        (".L.__...", ".L.__..."),
        ("a*3", "aaa"),
        ("a*3b", "aaab"),
        ("ab*3", "abbb"),
        (".L*2_*1.", ".LL_."),
        ("a*007", "aaaaaaa"),
        ("1*3", "111"),
        ("a*2097152", "a" * 2097152),
        (f"a*{'0' * 5000}2", "aa"),
    ],
)
def test_a_star_repeats_the_character_before_it(text: str, strip: str) -> None:
    assert expand(text) == strip


def test_runs_of_five_are_shortened_and_runs_of_four_are_not() -> None:
    assert compact("aaaabbbbb") == "aaaab*5"


def test_runs_say_where_they_begin_and_how_long_they_are() -> None:
    assert list(runs("aab")) == [PageRun("a", 0, 2), PageRun("b", 2, 1)]
    assert list(runs("")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a strip has at least one page; write one character a page"),
        ("a*1000000000", "'a*1000000000' has too many pages; write a strip of at most 2097152"),
        (f"a*{'9' * 5000}", f"'a*{'9' * 38}' has too many pages; write a strip of at most 2097152"),
        ("a*999999999", "999999999 pages are too many; write a strip of at most 2097152"),
        ("*3", "'*3': each * stands between a character and a number; write a*1000 for a thousand times a"),
        ("a*", "'a*': each * stands between a character and a number; write a*1000 for a thousand times a"),
        ("a**3", "'a**3': each * stands between a character and a number; write a*1000 for a thousand times a"),
        ("a*x", "'a*x': each * stands between a character and a number; write a*1000 for a thousand times a"),
        ("a*-1", "'a*-1': each * stands between a character and a number; write a*1000 for a thousand times a"),
        ("a*0", "'a*0' has a run of no page; write a count of at least 1"),
        ("ba*00b", "'ba*00b' has a run of no page; write a count of at least 1"),
        ("a*2097153", "2097153 pages are too many; write a strip of at most 2097152"),
        ("a*999999999b*999999999", "1999999998 pages are too many; write a strip of at most 2097152"),
        ("a" * 2097153, "2097153 pages are too many; write a strip of at most 2097152"),
    ],
)
def test_what_is_no_strip_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        expand(text)


def test_a_character_without_meaning_is_refused() -> None:
    message = "'X' has no meaning in this strip; write one of L F . _ for each page"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        expand("L*3X", "LF._")


def test_a_layout_without_locks_has_holes_where_it_has_them() -> None:
    assert unlocked("aa_bF_") == ".._.._"
