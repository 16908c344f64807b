# SPDX-License-Identifier: Apache-2.0
"""A baseline says what is known by case, finding and place; whatever could mean two things, or nothing, is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import CaseFileError, UsageError
from lockproof.conformance.running import baselines
from lockproof.conformance.running.baselines import Baseline, KnownIssue, Rate
from lockproof.conformance.running.place import Place
from tests.helpers import corpus
from tests.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

CASES = corpus(
    "\n".join(
        f"- {{id: {name}, about: A case., checks: [mlock.no-change, mlock.errors], map: aaa, call: mlock, range: .^., "
        "expect: [{result: 0, locked: .L.}]}"
        for name in ("hole-a", "hole-b", "other")
    )
)
ENTRY = {
    "id": "known",
    "about": "it keeps locks",
    "url": "https://example.org/1",
    "cases": "[folder/hole-*]",
    "finding": "mlock.no-change",
    "where": '[{upstream: ">= 5.10, < 7.4"}]',
    "expires": "2027-11-23",
}


def entry(**changes: str | None) -> str:
    fields = {name.replace("_", "-"): value for name, value in {**ENTRY, **changes}.items() if value is not None}
    return "- " + "\n  ".join(f"{name}: {value}" for name, value in fields.items()) + "\n"


def load(folder: Path, *texts: str) -> tuple[Baseline, ...]:
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"known{number}.yaml")
        files[-1].write_text(text)
    return baselines.load(files, CASES)


def issue(folder: Path, **changes: str | None) -> KnownIssue:
    ((only,),) = (baseline.issues for baseline in load(folder, entry(**changes)))
    return only


def test_a_finding_without_an_aspect_is_what_the_requirement_is_mainly_about(tmp_path: Path) -> None:
    assert issue(tmp_path).finding == "mlock.no-change:locked"
    assert issue(tmp_path, finding="mlock.errors").finding == "mlock.errors:result"
    assert issue(tmp_path, finding="mlock.no-change:result").finding == "mlock.no-change:result"


def test_an_outcome_is_always_or_says_how_often(tmp_path: Path) -> None:
    assert issue(tmp_path).outcome == "always"
    assert issue(tmp_path, outcome="may-pass").outcome == "may-pass"
    assert issue(tmp_path, outcome="{sometimes: {rate: 0.1, runs: 200}}").outcome == Rate(0.1, 200)


@pytest.mark.parametrize(
    ("where", "place", "found"),
    [
        ('[{upstream: ">= 5.10, < 7.4"}]', Place("", "", "6.18.44"), "known"),
        ('[{upstream: ">= 5.10, < 7.4"}]', Place("", "", "7.4"), False),
        ('[{upstream: ">= 5.10, < 7.4"}]', Place("debian", "6.12.107-1", "6.12.107"), "assumed"),
        ('[{upstream: ">= 5.10, < 7.4"}]', Place("gvisor", "", ""), False),
        ("[{vendor: gvisor}]", Place("gvisor", "", ""), "known"),
        ("[{vendor: gvisor}]", Place("", "", "6.18"), False),
        ('[{vendor: debian, package: "< 6.12.200-1"}]', Place("debian", "6.12.107-1", "6.12.107"), "known"),
        ('[{vendor: debian, package: "< 6.12.200-1"}]', Place("", "", "6.12.107"), False),
    ],
)  # fmt: skip
def test_a_place_is_told_by_vendor_or_upstream(tmp_path: Path, where: str, place: Place, found: object) -> None:
    known = issue(tmp_path, where=where)
    assert (known.is_at(place) and ("assumed" if known.assumes(place) else "known")) == found


def test_a_vendors_own_versions_overrule_upstream(tmp_path: Path) -> None:
    known = issue(tmp_path, where='[{vendor: debian, package: "< 6.12.107-1"}, {upstream: "< 7.4"}]')
    assert known.is_at(Place("debian", "6.12.106-1", "6.12.106"))
    assert not known.is_at(Place("debian", "6.12.107-1", "6.12.107"))  # mended early
    assert known.is_at(Place("ubuntu", "6.12.0-9.9", "6.12.0"))
    assert not known.assumes(Place("debian", "6.12.106-1", "6.12.106"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("targets: [local]\ndeviations: []", "1:1: deviations: the format of before"),
        ("a: b", "1:1: no baseline; write a list"),
        (entry(url=None), "1:3: url: is missing; write it"),
        (entry(url="no"), "3:8: url: is no address"),
        (entry(expires=None), "expires: is missing"),
        (entry(expires="soon"), "7:12: expires: is no date; write one, such as 2027-11-23"),
        (entry(finding="mlock.no-chang"), "5:12: finding: 'mlock.no-chang' is no requirement; did you mean mlock.no-change?"),
        (entry(finding="mlock.errors:lockd"), "finding: 'lockd' is no aspect; did you mean locked?"),
        (entry(cases="[folder/hole-*, folder/gone]"), "4:26: cases[1]: 'folder/gone' is no case"),
        (entry(outcome="never"), "outcome: is no outcome; write always"),
        (entry(outcome="{sometimes: {rate: 2, runs: 5}}"), "outcome: is no outcome"),
        (entry(where='[{upstream: ">= 5.10"}]'), "6:22: where[0].upstream: '>= 5.10' has no end"),
        (entry(where="[{vendor: debian}]"), "where[0]: has no end"),
        (entry(where='[{vendor: debain, package: "< 6"}]'), "where[0].vendor: 'debain' is no vendor here; did you mean debian?"),
        (entry(where='[{vendor: debian, upstream: "< 6"}]'), "where[0]: write {vendor: debian, package:"),
        (entry(where='[{upstream: "< 6"}, {vendor: debian, package: "< 6"}]'), "where[1]: a vendor behind upstream"),
        (entry(fixed_bye="[x]"), "fixed-bye: is no field here; did you mean fixed-by?"),
        (entry(about="unexplained"), "about: is unexplained; write what deviates"),
        (entry(id="Known"), "1:7: id: 'Known' is no name here"),
        (entry() + entry(), "id: known stands here a second time"),
        (entry() + entry(id="also", where='[{upstream: "= 6.1"}]'), "8:3: also: both known (") ,
        (entry() + entry(id="also", cases="[folder]", where='[{vendor: debian, package: "< 6"}]'), "can match mlock.no-change:locked in folder/hole-a"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        load(tmp_path, text)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path}/known0.yaml:")
    assert said in line


@pytest.mark.parametrize(
    "changes",
    [
        {"cases": "[folder/other]"},
        {"finding": "mlock.errors"},
        {"finding": "mlock.no-change:result"},
        {"where": '[{upstream: ">= 7.4, < 8"}]'},
        {"where": "[{vendor: gvisor}]"},
    ],
)
def test_entries_that_cannot_both_match_stand_side_by_side(tmp_path: Path, changes: dict[str, str]) -> None:
    assert len(load(tmp_path, entry(), entry(id="also", **changes))) == 2


def test_entries_of_two_files_that_can_both_match_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match=r"known1.yaml:1:3: also: both known \(.*known0.yaml:1\) and this"):
        load(tmp_path, entry(), entry(id="also"))


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make one with lockproof baseline update"):
        baselines.load([tmp_path / "none.yaml"], CASES)


def test_cases_of_ones_own_stand_beside_those_that_lockproof_brings_along(tmp_path: Path) -> None:
    both = baselines.vocabulary(CASES, tmp_path)
    assert {"folder/other", "mlock/no-change/hole-after-prefix"} <= {case.name for case in both.cases}
    assert {"mlock.no-change", "mlock.failure.no-change"} <= both.requirements.keys()


def test_the_baselines_that_are_kept_have_no_mistake() -> None:
    everything = baselines.vocabulary(replace(CASES, cases=()), CHECKOUT)
    found = baselines.load(sorted((CHECKOUT / "results" / "baselines").glob("*.yaml")), everything)
    assert [baseline.path.name for baseline in found if not baseline.issues] == []
