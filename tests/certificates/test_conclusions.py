# SPDX-License-Identifier: Apache-2.0
"""What results come to: each rule by which a profile gets its sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.certificates.conclusions import conclusions, standings
from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality, Profile, Requirement
from lockproof.conformance.running.results import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

SHALL = Requirement(
    id="a.shall", modality=Modality.SHALL, profile=Profile.POSIX, statement="x", source="y", observes=(Aspect.RESULT,)
)
OTHER = Requirement(
    id="a.other", modality=Modality.SHALL, profile=Profile.POSIX, statement="x", source="y", observes=(Aspect.RESULT,)
)
OPEN = Requirement(
    id="a.open", modality=Modality.UNSPECIFIED, profile=Profile.POSIX, statement="x", source="y",
    observes=(Aspect.RESULT,),
)  # fmt: skip
CATALOGUE = {each.id: each for each in (SHALL, OTHER, OPEN)}


def result(status: Status, *checks: Requirement, charged: Requirement = SHALL, lacks: str = "") -> Result:
    found = Finding(charged.id, "y", charged.modality, Aspect.RESULT, "z", (), 0, 0)
    return Result(
        target="local", case=f"case-{status}", repetition=1, profile="posix", source="a:1", seconds=0.0,
        verdict=Verdict(status, "why", (found,) if status is Status.FAIL else (), lacks),
        checks=tuple(each.id for each in checks),
    )  # fmt: skip


PASSES = [result(Status.PASS, SHALL, OTHER, OPEN)]


@pytest.mark.parametrize(
    ("results", "disclaimed", "sentence"),
    [
        (PASSES, (), "conforms"),
        ([*PASSES, result(Status.FAIL, SHALL)], (), "does not conform: a.shall"),
        ([*PASSES, result(Status.FAIL, OPEN, charged=OPEN)], (), "conforms"),
        ([*PASSES, result(Status.UNRESOLVED, SHALL)], (), "not certified: 1 case could not be resolved, the first is case-UNRESOLVED"),
        ([*PASSES, result(Status.FAIL, SHALL), result(Status.UNRESOLVED, OTHER)], (), "not certified: 1 case could not be resolved, the first is case-UNRESOLVED"),
        ([*PASSES, result(Status.UNTESTED, SHALL, lacks="memory")], (), "no deviation found, 1 requirement untested"),
        ([*PASSES, result(Status.UNTESTED, SHALL)], (), "conforms"),
        ([result(Status.PASS, SHALL)], (), "no deviation found, 1 requirement untested"),
        ([result(Status.PASS, SHALL), result(Status.UNTESTED, OTHER)], (), "no deviation found, 1 requirement untested"),
        ([result(Status.PASS, SHALL), result(Status.FAIL, SHALL, OTHER)], (), "does not conform: a.shall"),
        ([result(Status.PASS, SHALL), result(Status.UNSUPPORTED, OTHER, lacks="mlock2")], (), "not certified: no mlock2, which the statement does not disclaim"),
        ([result(Status.PASS, SHALL), result(Status.UNSUPPORTED, OTHER, lacks="mlock2")], ("mlock2",), "conforms"),
        ([*PASSES, result(Status.UNSUPPORTED, SHALL, lacks="hugetlb")], (), "not certified: no hugetlb, which the statement does not disclaim"),
        ([*PASSES, result(Status.UNSUPPORTED, SHALL, lacks="hugetlb")], ("hugetlb",), "conforms"),
        ([], (), "no deviation found, 2 requirements untested"),
    ],
)  # fmt: skip
def test_a_profile_gets_its_sentence(results: Sequence[Result], disclaimed: tuple[str, ...], sentence: str) -> None:
    found = conclusions(standings(CATALOGUE, results), results, disclaimed)
    assert found[Profile.POSIX].sentence == sentence


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(Status.PASS, "conforms, by a=other"), (Status.FAIL, "does not conform: a.shall, by a=other")],
)
def test_a_sentence_names_the_readings_that_it_relies_on(status: Status, sentence: str) -> None:
    one = result(status, SHALL)
    resting = [*PASSES, replace(one, verdict=replace(one.verdict, rests_on=("a=other", "b=decided")))]
    found = standings(CATALOGUE, resting)
    assert found[0].rests_on == ("a=other", "b=decided")
    said = conclusions(found, resting, (), readings=("a=other", "c=other"))
    assert said[Profile.POSIX].sentence == sentence
    assert said[Profile.LINUX].sentence == "conforms"


def test_what_could_not_be_tried_names_what_was_missing() -> None:
    untried = [result(Status.UNTESTED, SHALL, lacks="memory"), result(Status.UNTESTED, SHALL, lacks="alone")]
    standing = standings(CATALOGUE, [*PASSES, *untried])[0]
    assert (standing.verdict, standing.cases, standing.means) == (Status.UNTESTED, 3, {"alone": 1, "memory": 1})
