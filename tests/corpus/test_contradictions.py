# SPDX-License-Identifier: Apache-2.0
"""Two cases that bind never ask of a kernel what it cannot do."""

from __future__ import annotations

import pytest

from lockproof.conformance.corpus.contradictions import contradictions
from lockproof.conformance.language.loading import load
from tests.helpers import corpus

PAIR = """
- id: one
  about: A.
  checks: [{checks}]
  limits: {{mappings: 0}}
  map:    aaa
  call:   mlock
  range:  .^.
  expect: {one}
- id: other
  about: A.
  checks: [mlock.no-change, mlock.errors, mlock.in-memory]
  limits: {{mappings: 0}}
  map:    bbbbbb
  call:   mlock
  range:  .^^^^.
  expect: {other}
"""


def found(one: str, other: str, checks: str = "mlock.no-change, mlock.errors, mlock.in-memory") -> list[str]:
    """Find what is contradictory in a pair of cases that do the same."""
    pair = corpus(PAIR.format(one=one, other=other, checks=checks))
    return [problem.message for problem in contradictions(pair.cases, pair.requirements)]


def test_no_two_cases_of_ours_contradict_each_other() -> None:
    whole = load()
    assert list(contradictions(whole.cases, whole.requirements)) == []


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("{result: [0, EAGAIN]}", "{result: [0, ENOMEM]}", "one permits the errors EAGAIN, the other ENOMEM"),
        ("{result: 0}", "{result: ENOMEM}", "no outcome of one is an outcome of the other"),
        ("{result: 0, locked: .L.}", "{result: 0, locked: .LLLLL}", "no outcome of one is an outcome of the other"),
        ("{result: 0, resident: .R.}", "{result: 0, resident: ......}", "no outcome of one is an outcome"),
        ("{locked: unchanged, result: 0}", "{result: 0, locked: .LLLL.}", "no outcome of one is an outcome"),
        ("{result: 0, elsewhere: all}", "{result: 0, elsewhere: none}", "no outcome of one is an outcome"),
    ],
)
def test_outcomes_that_exclude_each_other_are_found(one: str, other: str, what: str) -> None:
    (message,) = found(one, other)
    assert "folder/other: does the same as folder/one, and no kernel can satisfy both: in step 0 " in message
    assert what in message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{result: [0, EAGAIN, ENOMEM]}", "{result: [0, ENOMEM]}"),
        ("{result: 0, locked: .L?}", '{result: 0, locked: "?LLLL."}'),
        ("[{result: 0, locked: .L.}, {result: EAGAIN, locked: unchanged}]", "{result: [EAGAIN, ENOMEM]}"),
    ],
)
def test_outcomes_that_one_kernel_can_have_are_not(one: str, other: str) -> None:
    assert found(one, other) == []


def test_what_is_unspecified_contradicts_nothing() -> None:
    assert found("{result: EAGAIN}", "{result: ENOMEM}", "mlock.open") == []


def test_pages_are_counted_where_a_limit_counts_them() -> None:
    pair = corpus("""
- {id: one, about: A., checks: [mlock.errors], limits: {memlock: 2p}, map: aa, call: mlock, range: ^^, expect: {result: 0}}
- {id: other, about: A., checks: [mlock.errors], limits: {memlock: 2p}, map: aaa, call: mlock, range: ^^^, expect: {result: ENOMEM}}
""")
    assert list(contradictions(pair.cases, pair.requirements)) == []
