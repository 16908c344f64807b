# SPDX-License-Identifier: Apache-2.0
"""A baseline learns from runs where an issue was seen last, and what it does not know; a partial run takes nothing back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.running.baselines import Baseline, KnownIssue, Sighting, Where
from lockproof.conformance.running.results import Result
from lockproof.conformance.running.sightings import additions, sightings
from lockproof.conformance.running.tally import Tally
from tests.helpers import corpus, target_info
from tests.running.test_store import MANIFEST

if TYPE_CHECKING:
    from lockproof.conformance.running.manifest import Manifest

CASES = corpus(
    "\n".join(
        f"- {{id: {name}, about: A case., checks: [mlock.no-change, mlock.errors], map: aaa, call: mlock, range: .^., "
        "expect: [{result: 0, locked: .L.}]}"
        for name in ("hole-a", "hole-b", "other")
    )
)
TARGET = "qemu:debian/6.12"
INFO = target_info(release="6.12.107+deb13-amd64", version="#1 SMP Debian 6.12.107-1 (2026-11-12)")
OLD = Sighting(release="6.12.1", run="old", count=2)
TODAY = date(2026, 11, 26)


def run(**statuses: Status) -> tuple[Manifest, Tally]:
    tally = Tally()
    for name, status in statuses.items():
        found = Finding("mlock.no-change", "P", Modality.SHALL, Aspect.LOCKED, "page 2 became locked", (2,), 0, 0)
        verdict = Verdict(status, findings=(found,) if status is Status.FAIL else ())
        tally.add(
            Result(
                target=TARGET, case=f"folder/{name.replace('_', '-')}", repetition=1, verdict=verdict, checks=(),
                profile="posix", source="a.yaml:1", seconds=0.1,
            )
        )  # fmt: skip
    return replace(MANIFEST, run="new", targets=(TARGET,), info={TARGET: INFO}), tally


def baseline(**changes: Any) -> Baseline:  # noqa: ANN401
    known = KnownIssue(
        id="known", about="it keeps locks", url="https://example.org", cases=("folder/hole-*",),
        finding="mlock.no-change:locked", where=(Where(upstream=">= 5.10, < 7.4"),), expires=date(2027, 11, 26),
    )  # fmt: skip
    return Baseline(Path("linux.yaml"), (replace(known, **changes),), {})


def test_a_sighting_says_which_release_and_run_showed_it_in_how_many_cases() -> None:
    seen = {"debian-6.12": {"release": "6.12.107", "run": "new", "count": 2}}
    whole = run(hole_a=Status.FAIL, hole_b=Status.FAIL, other=Status.PASS)
    assert sightings(baseline(), [whole], CASES) == {"known": seen}
    assert sightings(baseline(seen={"debian-6.12": OLD}), [whole], CASES) == {"known": seen}
    known_already = Sighting(release="6.12.107", run="new", count=2)
    assert sightings(baseline(seen={"debian-6.12": known_already}), [whole], CASES) == {}


def test_what_is_not_seen_any_more_is_taken_away_where_it_was_tried_in_full() -> None:
    before = baseline(seen={"debian-6.12": OLD})
    assert sightings(before, [run(hole_a=Status.PASS, hole_b=Status.PASS)], CASES) == {"known": {"debian-6.12": None}}
    assert sightings(before, [run(hole_a=Status.UNTESTED, hole_b=Status.UNTESTED)], CASES) == {}


def test_a_partial_run_does_not_replace_what_a_complete_one_has_seen() -> None:
    before = baseline(seen={"debian-6.12": OLD})
    assert sightings(before, [run(hole_a=Status.FAIL)], CASES) == {}
    assert sightings(before, [run(hole_a=Status.PASS)], CASES) == {}
    assert sightings(baseline(), [run(hole_a=Status.FAIL)], CASES)["known"]["debian-6.12"] is not None


def test_elsewhere_nothing_is_seen() -> None:
    elsewhere = baseline(where=(Where(upstream="< 6.1"),), seen={"debian-6.12": OLD})
    assert sightings(elsewhere, [run(hole_a=Status.PASS, hole_b=Status.PASS)], CASES) == {}


def test_what_is_not_known_becomes_an_entry_that_has_to_be_explained() -> None:
    found = additions([baseline()], [run(hole_a=Status.FAIL, hole_b=Status.FAIL, other=Status.FAIL)], TODAY)
    (text,) = (each.text("linux-new", TODAY, CASES) for each in found)
    assert text == (
        "- id: linux-new\n  about: unexplained\n  url: unexplained\n  cases:\n  - folder/other\n"
        '  finding: mlock.no-change\n  where:\n  - {vendor: debian, package: "= 6.12.107-1"}\n  expires: 2027-11-26\n'
    )


def test_what_expired_is_not_added_a_second_time() -> None:
    expired = baseline(expires=date(2026, 11, 25))
    assert additions([expired], [run(hole_a=Status.FAIL)], TODAY) == []
