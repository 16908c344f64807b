# SPDX-License-Identifier: Apache-2.0
"""A baseline is compared like a run: with what a run would have seen if everything were as it is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.running.differences import LISTS, differences, side
from lockproof.conformance.running.expectations import expected_anywhere, expected_of
from tests.running.test_sightings import CASES, TODAY, baseline, run

BOTH = {"hole_a": Status.FAIL, "hole_b": Status.FAIL}


def lists(of: dict[str, Any], **statuses: Status) -> dict[str, list[str]]:
    manifest, tally = run(**statuses)
    whole = replace(manifest, selection=(), finished="2026-11-26T12:00:00+00:00")
    found = differences(expected_of(baseline(**of), whole, tally, TODAY), side(whole, tally))
    return {name: cases for name in LISTS if (cases := [each.case for each in getattr(found, name)])}


@pytest.mark.parametrize(
    ("of", "seen", "found"),
    [
        ({}, {**BOTH, "other": Status.PASS}, {}),
        ({}, {**BOTH, "other": Status.FAIL}, {"new_failures": ["folder/other"]}),
        ({}, {**BOTH, "hole_a": Status.PASS}, {"fixed": ["folder/hole-a"]}),
        ({}, {**BOTH, "hole_a": Status.UNTESTED}, {"gone_cases": ["folder/hole-a"]}),
        ({}, {**BOTH, "other": Status.UNTESTED}, {}),
        ({"outcome": "may-pass"}, {**BOTH, "hole_a": Status.PASS}, {}),
        ({"finding": "mlock.errors:result"}, BOTH, {"changed_findings": ["folder/hole-a", "folder/hole-b"]}),
    ],
)
def test_a_run_differs_from_what_is_known(of: dict[str, Any], seen: dict[str, Status], found: dict[str, Any]) -> None:
    assert lists(of, **seen) == found


def test_two_baselines_differ_in_what_they_know_somewhere() -> None:
    before, after = baseline(), baseline(cases=("folder/hole-a", "folder/other"))
    found = differences(expected_anywhere(before, CASES), expected_anywhere(after, CASES))
    assert [each.case for each in found.new_failures] == ["folder/other"]
    assert [each.case for each in found.fixed] == ["folder/hole-b"]
