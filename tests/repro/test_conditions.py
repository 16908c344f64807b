# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.repro.conditions import check
from tests.helpers import case_of


def condition(expect: str, *, modes: bool = True, pages: int = 3) -> list[str]:
    checks = "checks: [mlock.no-change, mlock.in-memory]"
    case = case_of(f"{checks}\nmap: a*{pages}\ncall: mlock\nrange: ^*{pages}\nexpect: {expect}")
    return list(check(case.steps[0], modes=modes))


@pytest.mark.parametrize(
    ("expect", "in_c"),
    [
        ("{result: 0}", "wrong |= !((!e));"),
        ("{result: [0, EAGAIN]}", "wrong |= !(((!e || e == EAGAIN)));"),
        ("{result: ENOMEM, locked: unchanged}", "wrong |= !(((e == ENOMEM) && like(now, was)));"),
        ("{resident: R.R}", 'wrong |= !((like(in, "R.R")));'),
        ("[{result: 0}, {locked: L.?}]", 'wrong |= !((!e) || (like(now, "L.?")));'),
    ],
)
def test_it_is_wrong_where_no_outcome_is_as_permitted(expect: str, in_c: str) -> None:
    assert condition(expect) == [in_c]


def test_a_strip_makes_no_trigraph() -> None:
    assert condition('{locked: "L??"}') == ['wrong |= !((like(now, "L?\\?")));']


def test_locks_on_fault_are_locks_where_they_cannot_be_told_apart() -> None:
    assert condition("{locked: LFF}", modes=False) == ['wrong |= !((like(now, "LLL")));']


def test_a_long_strip_is_compared_run_by_run() -> None:
    (line,) = condition('{locked: "L*30?*5.*30"}', pages=65)
    assert line == 'wrong |= !((strspn(now + 0, "L") >= 30 && strspn(now + 35, ".") >= 30));'
