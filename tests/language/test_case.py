# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.language.case import Size
from tests.helpers import case_of

CASE = "map: aaa\nsteps: [{call: munlockall}, {call: mlock, range: ^^^, fault: %s, expect: {result: 0}}]"


@pytest.mark.parametrize(("fault", "persistent"), [("each-allocation", False), ("from-each-allocation", True)])
def test_a_case_of_which_a_call_has_a_fault_is_a_sweep(fault: str, persistent: bool) -> None:  # noqa: FBT001
    case = case_of(CASE % fault)
    assert case.swept
    assert case.persistent is persistent


def test_a_fault_in_a_child_counts() -> None:
    case = case_of(
        "map: aaa\nsteps: [{call: fork, child: [{call: mlock, range: ^^^, fault: from-each-allocation, "
        "expect: {result: 0}}]}]"
    )
    assert case.swept
    assert case.persistent


def test_a_case_without_a_fault_is_no_sweep() -> None:
    case = case_of("map: aaa\ncall: mlock\nrange: ^^^\nexpect: {result: 0}")
    assert not case.swept
    assert not case.persistent


@given(st.from_regex(r"-?([0-9]{1,15}p([+-][0-9]{1,18})?|[0-9]{1,18})", fullmatch=True))
def test_a_size_that_is_written_is_read_as_the_same(text: str) -> None:
    size = Size.parse(text)
    assert Size.parse(f"{size}") == size


def test_no_pages_less_some_bytes_count_down_from_the_top() -> None:
    assert Size.parse("0p-5") == Size.parse("-5")
    assert Size.parse("-0p-5") == Size.parse("5")
