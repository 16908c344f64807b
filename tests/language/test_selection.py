# SPDX-License-Identifier: Apache-2.0
"""Which cases a name or pattern means."""

from __future__ import annotations

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.language.selection import Sweeps, described, select
from tests.helpers import corpus

CASES = corpus(
    "- {id: hole, for-each: {of: [a, b]}, about: A., checks: [mlock.errors], map: $of, call: munlockall, expect: {result: 0}}\n"
    "- {id: hole-two, about: A., checks: [mlock.errors], map: a, call: munlockall, expect: {result: 0}}\n",
    "mlock/no-change.yaml",
).cases
HOLES = ["mlock/no-change/hole[of=a]", "mlock/no-change/hole[of=b]"]
TWO = ["mlock/no-change/hole-two"]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], HOLES + TWO),
        (["mlock"], HOLES + TWO),
        (["mlock/no-change/"], HOLES + TWO),
        (["mlock/no-change/hole"], HOLES),
        (["mlock/no-change/hole[of=b]"], HOLES[1:]),
        (["*two", "mlock/no-change/hole[of=a]"], HOLES[:1] + TWO),
        (["mlock/no-change/hole[of=?]"], HOLES),
    ],
)
def test_a_pattern_names_a_case_a_leading_part_or_what_it_matches(patterns: list[str], names: list[str]) -> None:
    assert [case.name for case in select(CASES, patterns)] == names


@pytest.mark.parametrize("pattern", ["mlock/no", "hole", "mlock/no-change/hole[of=c]", "mlock/no-change/hole[of=[ab]]"])
def test_a_pattern_that_names_none_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="no case is called so"):
        select(CASES, ["mlock", pattern])


SWEPT = corpus(
    """
- {id: plain, about: A case., checks: [mlock.no-change], map: a, call: mlock, range: ^, expect: {result: 0, locked: L}}
- {id: swept, about: A case., checks: [mlock.no-change], map: a, call: mlock, range: ^, fault: $fault,
   for-each: {fault: [each-allocation, from-each-allocation]},
   expect: [{result: 0, locked: L}, {result: [EAGAIN, ENOMEM], locked: unchanged}]}
"""
)
ONE, OTHER = "folder/swept[fault=each-allocation]", "folder/swept[fault=from-each-allocation]"


@pytest.mark.parametrize(
    ("sweeps", "names"),
    [("full", ["folder/plain", ONE, OTHER]), ("quick", ["folder/plain", ONE]), ("none", ["folder/plain"])],
)
def test_of_sweeps_all_are_meant_or_the_first_of_each_entry_or_none(sweeps: Sweeps, names: list[str]) -> None:
    assert [case.name for case in select(SWEPT.cases, (), sweeps)] == names


def test_that_only_sweeps_are_asked_for_and_none_is_wanted_is_refused() -> None:
    with pytest.raises(UsageError, match="leave out --no-sweeps"):
        select(SWEPT.cases, ("folder/swept",), "none")


def test_what_is_less_than_everything_is_described() -> None:
    assert described((), "full") == ""
    assert described((), "none") == "all cases without sweeps"
    assert described(("mlock", "grid"), "quick") == "mlock grid with quick sweeps"
    assert described(("mlock",), "full") == "mlock"
