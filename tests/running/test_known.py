# SPDX-License-Identifier: Apache-2.0
"""What is known is no news, anything else in the same case is; what got better is told, and what expired excuses nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.reports import terminal
from lockproof.conformance.running import baselines
from lockproof.conformance.running.baselines import Baseline, KnownIssue, Rate, Sighting, Where
from lockproof.conformance.running.known import Assessment, assess, known_issues
from lockproof.conformance.running.results import Result
from lockproof.conformance.running.tally import Tally
from tests.helpers import target_info
from tests.places import CHECKOUT
from tests.whole_corpus import on, whole_corpus

if TYPE_CHECKING:
    from lockproof.runners.target import TargetInfo

TODAY = date(2026, 11, 26)
LOCAL = {"local": target_info(release="6.18.44-generic")}
DEBIAN = {"local": target_info(release="6.12.107+deb13-amd64", version="#1 SMP Debian 6.12.107-1 (2026-11-12)")}


def finding(requirement: str = "mlock.x", aspect: Aspect = Aspect.LOCKED, step: int = 0) -> Finding:
    return Finding(requirement, "POSIX", Modality.SHALL, aspect, "page 2 became locked", (2,), step, 0)


def result(status: Status, *found: Finding, case: str = "a/b", target: str = "local") -> Result:
    return Result(
        target=target, case=case, repetition=1, verdict=Verdict(status, findings=found), checks=(), profile="posix",
        source="a.yaml:1", seconds=0.1,
    )  # fmt: skip


def baseline(**changes: Any) -> Baseline:  # noqa: ANN401
    made = KnownIssue(
        id="known",
        about="it keeps locks",
        url="https://example.org",
        cases=("a/b",),
        finding="mlock.x:locked",
        where=(Where(upstream=">= 5.10, < 7.4"),),
        expires=date(2027, 11, 26),
    )
    return Baseline(Path("known.yaml"), (replace(made, **changes),), {})


def assessment(of: Baseline, *results: Result, info: dict[str, TargetInfo] = LOCAL) -> Assessment:
    tally = Tally()
    for one in results:
        tally.add(one)
    return assess([of], tally, info, TODAY)


def summary(found: Assessment) -> tuple[int, int, int, int]:
    return len(found.known), len(found.news), len(found.fixed), found.untried


FAILS = result(Status.FAIL, finding())
KNOWN, NEWS, FIXED, UNTRIED = (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)
NOTHING = (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("seen", "of", "what"),
    [
        (FAILS, {}, KNOWN),
        (FAILS, {"cases": ("a/c",)}, NEWS),
        (FAILS, {"finding": "mlock.x:result"}, (0, 1, 1, 0)),
        (FAILS, {"where": (Where(upstream="< 6.18"),)}, NEWS),
        (FAILS, {"where": (Where(vendor="debian", package="< 9"),)}, NEWS),
        (FAILS, {"expires": date(2026, 11, 26)}, KNOWN),
        (FAILS, {"expires": date(2026, 11, 25)}, NEWS),
        (FAILS, {"outcome": "may-pass"}, KNOWN),
        (FAILS, {"outcome": Rate(0.1, 200)}, KNOWN),
        (result(Status.FAIL, finding(), finding("mlock.y")), {}, NEWS),
        (result(Status.FAIL, finding(), finding(aspect=Aspect.RESULT)), {}, NEWS),
        (result(Status.FAIL, finding(step=-1)), {}, (0, 1, 1, 0)),
        (result(Status.FAIL, finding(step=-1), finding()), {}, NEWS),
        (result(Status.FAIL, finding(), target="local+posixmlock"), {}, NEWS),
        (result(Status.FAIL, finding(), target="qemu:other"), {}, NEWS),
        (result(Status.PASS), {}, FIXED),
        (result(Status.PASS), {"outcome": "may-pass"}, NOTHING),
        (result(Status.PASS), {"outcome": Rate(0.1, 200)}, NOTHING),
        (result(Status.PASS), {"where": (Where(upstream="< 6.18"),)}, NOTHING),
        (result(Status.PASS), {"expires": date(2026, 11, 25)}, NOTHING),
        (result(Status.PASS, target="local+posixmlock"), {}, NOTHING),
        (result(Status.UNTESTED), {}, UNTRIED),
        (result(Status.UNSUPPORTED), {}, UNTRIED),
        (result(Status.UNRESOLVED), {}, NOTHING),
    ],
)
def test_a_result_is_known_news_or_better(seen: Result, of: dict[str, Any], what: tuple[int, ...]) -> None:
    info = {**LOCAL, "local+posixmlock": LOCAL["local"]}
    assert summary(assessment(baseline(**of), seen, info=info)) == what


def test_a_vendors_kernel_is_assumed_to_be_like_linux_unless_somebody_said_so() -> None:
    assert assessment(baseline(), FAILS, info=DEBIAN).assumed == 1
    said = baseline(where=(Where(vendor="debian", package="< 6.12.200-1"), Where(upstream="< 7.4")))
    assert assessment(said, FAILS, info=DEBIAN).assumed == 0
    mended = baseline(where=(Where(vendor="debian", package="< 6.12.100-1"), Where(upstream="< 7.4")))
    assert summary(assessment(mended, FAILS, info=DEBIAN)) == NEWS


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (FAILS, (False, False)),
        (result(Status.PASS), (False, True)),
        (result(Status.FAIL, finding("mlock.y")), (True, True)),
    ],
)
def test_only_news_is_a_failure_and_what_got_better_on_request(seen: Result, told: tuple[bool, bool]) -> None:
    found = assessment(baseline(), seen)
    assert (found.is_news(strict=False), found.is_news(strict=True)) == told


@pytest.mark.parametrize("status", [Status.UNTESTED, Status.UNSUPPORTED])
def test_what_was_seen_on_this_very_kernel_and_cannot_be_tried_any_more_is_a_difference(status: Status) -> None:
    untried = result(status)
    for release, lost in (("6.18.44", True), ("6.18.43", False)):
        seen = {"local": Sighting(release=release, run="20261126T043000", count=1)}
        found = assessment(baseline(seen=seen), untried)
        assert (bool(found.lost), found.is_news(strict=False)) == (lost, lost)
    said = "local: 1 case showed known on this kernel, and could not be tried"
    seen = {"local": Sighting(release="6.18.44", run="20261126T043000", count=1)}
    assert said in terminal.assessed(assessment(baseline(seen=seen), untried), verbose=False)
    assert assessment(baseline(seen=seen), result(Status.PASS)).lost == ()


def test_unexpected_passes_are_counted_in_one_line_and_listed_on_request() -> None:
    found = assessment(baseline(cases=("a",)), *(result(Status.PASS, case=f"a/{number}") for number in range(183)))
    assert list(terminal.assessed(found, verbose=False)) == [
        "\n0 known deviations, none new",
        "183 unexpected passes; --verbose lists them",
    ]
    listed = list(terminal.assessed(found, verbose=True))
    assert (len(listed), listed[2]) == (185, "  local  a/0: known is not seen any more")


def test_a_known_failure_says_which_commits_mend_it() -> None:
    found = assessment(baseline(fixed_by=("1234567890ab",)), FAILS)
    assert list(terminal.assessed(found, verbose=False))[1:] == ["  known is mended in Linux by 1234567890ab"]


def test_what_expired_says_so() -> None:
    found = assessment(baseline(expires=date(2026, 11, 25)), FAILS)
    assert list(terminal.assessed(found, verbose=False))[1] == (
        "  local  a/b: mlock.x: page 2 became locked; known excused it until it expired on 2026-11-25"
    )


def test_a_report_can_ask_what_a_failure_is_known_as() -> None:
    (match,) = known_issues([baseline()], FAILS, LOCAL["local"], TODAY)
    assert (match.issue.id, match.issue.about, match.assumed) == ("known", "it keeps locks", False)
    assert known_issues([baseline()], FAILS, None, TODAY) == ()


@pytest.mark.parametrize("target", [on("local"), on("gvisor", marks=(pytest.mark.gvisor,)), on("local+posixmlock")])
def test_every_failure_here_is_known(target: str) -> None:
    ran = whole_corpus(target)
    files = sorted((CHECKOUT / "results" / "baselines").glob("*.yaml"))
    known = baselines.load(files, load())
    found = assess(known, ran.tally, ran.manifest.info, baselines.today())
    lines = list(terminal.assessed(found, verbose=True))
    if target == "local+posixmlock":  # is no kernel, so that nothing is known or better there
        assert (len(found.known), found.fixed) == (0, ())
    else:
        assert [lines[0].partition(", ")[2][-8:], *lines[1:-1]] == ["none new"]
