# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.helpers import case_of

CASE = "map: aaa\nsteps: [{call: munlockall}, {call: mlock, range: ^^^, fault: %s, expect: {result: 0}}]"


@pytest.mark.parametrize(
    ("fault", "persistent", "allocation"),
    [
        ("each-allocation", False, "allocation"),
        ("from-each-allocation", True, "allocation"),
        ("each-slab-allocation", False, "slab allocation"),
        ("from-each-page-allocation", True, "page allocation"),
    ],
)
def test_a_case_of_which_a_call_has_a_fault_is_a_sweep(
    fault: str,
    persistent: bool,  # noqa: FBT001
    allocation: str,
) -> None:
    case = case_of(CASE % fault)
    assert case.swept
    assert case.persistent is persistent
    assert case.allocation == allocation


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
