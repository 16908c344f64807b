# SPDX-License-Identifier: Apache-2.0
"""What runs that should be the same have seen differently is found, also where only words differ."""

from __future__ import annotations

from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.running.results import Result
from lockproof.conformance.running.tally import Tally
from lockproof.conformance.running.variations import variations

PASS = Verdict(Status.PASS)


def fail(message: str = "page 2 became locked", requirement: str = "mlock.x") -> Verdict:
    return Verdict(
        Status.FAIL, "", (Finding(requirement, "POSIX", Modality.SHALL, Aspect.LOCKED, message, (2,), 0, 0),)
    )


def tally(*verdicts: Verdict, case: str = "a/b") -> Tally:
    found = Tally()
    for number, verdict in enumerate(verdicts, 1):
        found.add(
            Result(
                target="local", case=case, repetition=number, verdict=verdict, checks=(), profile="posix",
                source="a.yaml:1", seconds=0.1,
            )
        )  # fmt: skip
    return found


def seen(**runs: Tally) -> list[tuple[str, bool, list[tuple[str, ...]]]]:
    return [(each.case, each.in_words, [sight.runs for sight in each.sights]) for each in variations(runs)]


def test_runs_that_are_the_same_have_no_variations() -> None:
    assert seen(A=tally(fail()), B=tally(fail()), C=tally(fail())) == []


def test_another_verdict_or_finding_is_one_and_other_words_are_told_apart() -> None:
    assert seen(A=tally(PASS), B=tally(fail()), C=tally(PASS)) == [("a/b", False, [("A", "C"), ("B",)])]
    assert seen(A=tally(fail()), B=tally(fail(requirement="mlock.y"))) == [("a/b", False, [("A",), ("B",)])]
    assert seen(A=tally(fail()), B=tally(fail("page 3 became locked"))) == [("a/b", True, [("A",), ("B",)])]


def test_what_is_unspecified_and_varies_is_told_of_a_pass_too() -> None:
    one, other = (Verdict(Status.PASS, "", fail(f"page {page} is not resident").findings) for page in (2, 3))
    (only,) = variations({"A": tally(one), "B": tally(other)})
    assert only.in_words
    assert [str(sight.seen) for sight in only.sights] == [
        f"PASS (mlock.x: page {page} is not resident)" for page in (2, 3)
    ]


def test_repetitions_that_differ_within_a_run_are_a_variation() -> None:
    assert seen(A=tally(PASS, fail(), PASS)) == [("a/b", False, [("A",)])]
    (only,) = variations({"A": tally(PASS, fail(), PASS)})
    assert only.sights[0].share == "1 of 3 repetitions"


def test_a_case_that_not_all_have_tried_is_compared_among_those_that_have() -> None:
    assert seen(A=tally(PASS), B=tally(PASS, case="a/other")) == []
