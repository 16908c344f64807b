# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.exit_codes import DEFAULT, STYLES
from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.reports.words import tally_summary
from lockproof.conformance.running.results import Result
from lockproof.conformance.running.tally import Tally

FINDING = Finding(
    "mlock.no-change", "POSIX", Modality.SHALL, Aspect.LOCKED, "page 2 became locked", (2,), step=0, execution=0
)


def result(
    status: Status, case: str = "a/b", *, target: str = "local", repetition: int = 1, findings: tuple[Finding, ...] = ()
) -> Result:
    seen = findings or ((FINDING,) if status is Status.FAIL else ())
    return Result(
        target=target,
        case=case,
        repetition=repetition,
        verdict=Verdict(status, "" if status is Status.PASS else f"why {status}", seen),
        checks=("mlock.no-change",),
        profile="posix",
        source="a.yaml:1",
        seconds=0.25,
    )


def tally_of(*results: Result) -> Tally:
    tally = Tally()
    for one in results:
        tally.add(one)
    return tally


@pytest.mark.parametrize(
    ("statuses", "status", "summary"),
    [
        ("PASS PASS PASS", Status.PASS, ""),
        ("PASS FAIL PASS", Status.FAIL, "flaky: mlock.no-change: page 2 became locked (1 of 3 repetitions)"),
        ("FAIL PASS FAIL", Status.FAIL, "flaky: mlock.no-change: page 2 became locked (2 of 3 repetitions)"),
        ("FAIL FAIL FAIL", Status.FAIL, "mlock.no-change: page 2 became locked"),
        ("UNRESOLVED FAIL UNRESOLVED", Status.FAIL, "mlock.no-change: page 2 became locked (1 of 3 repetitions)"),
        ("PASS UNRESOLVED PASS PASS", Status.UNRESOLVED, "why UNRESOLVED (1 of 4 repetitions)"),
        ("PASS UNTESTED", Status.UNTESTED, "why UNTESTED (1 of 2 repetitions)"),
        ("UNSUPPORTED UNSUPPORTED", Status.UNSUPPORTED, "why UNSUPPORTED"),
    ],
)
def test_the_worst_repetition_stands_for_all(statuses: str, status: Status, summary: str) -> None:
    tally = tally_of(*(result(Status(word), repetition=n) for n, word in enumerate(statuses.split(), 1)))
    (entry,) = tally.cases.values()
    assert entry.status is status
    assert tally_summary(entry) == summary
    assert entry.repetitions == len(statuses.split())
    assert entry.seconds == 0.25 * len(statuses.split())


def test_the_first_of_the_worst_repetitions_is_kept() -> None:
    tally = tally_of(
        *(result(status, repetition=n) for n, status in enumerate((Status.PASS, Status.FAIL, Status.FAIL), 1))
    )
    assert tally.cases["local", "a/b"].worst.repetition == 2


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ("", 0),
        ("UNTESTED", 3),
        ("UNSUPPORTED UNTESTED", 3),
        ("PASS", 0),
        ("PASS UNTESTED UNSUPPORTED", 0),
        ("PASS FAIL UNTESTED", 1),
        ("PASS UNRESOLVED", 3),
        ("FAIL UNRESOLVED PASS", 3),
    ],
)
def test_the_exit_code_says_what_the_run_proved(statuses: str, code: int) -> None:
    tally = tally_of(*(result(Status(word), f"a/{n}") for n, word in enumerate(statuses.split())))
    assert tally.exit_code(STYLES[DEFAULT], fails=tally.fails) == code


def test_a_repetition_without_an_answer_counts_also_behind_a_deviation() -> None:
    tally = tally_of(result(Status.FAIL), result(Status.UNRESOLVED, repetition=2), result(Status.PASS, repetition=3))
    assert tally.cases["local", "a/b"].status is Status.FAIL
    assert tally.exit_code(STYLES[DEFAULT], fails=tally.fails) == 3


@pytest.mark.parametrize(
    ("statuses", "codes"),
    [
        ("PASS UNTESTED", {"default": 0, "bisect": 0, "kselftest": 0, "ltp": 0, "autopkgtest": 0}),
        ("FAIL PASS", {"default": 1, "bisect": 1, "kselftest": 1, "ltp": 1, "autopkgtest": 1}),
        ("UNRESOLVED PASS", {"default": 3, "bisect": 125, "kselftest": 1, "ltp": 2, "autopkgtest": 77}),
        ("FAIL UNRESOLVED", {"default": 3, "bisect": 1, "kselftest": 1, "ltp": 1, "autopkgtest": 1}),
        ("UNTESTED UNSUPPORTED", {"default": 3, "bisect": 125, "kselftest": 4, "ltp": 32, "autopkgtest": 77}),
    ],
)
def test_each_style_has_its_own_exit_codes(statuses: str, codes: dict[str, int]) -> None:
    tally = tally_of(*(result(Status(word), f"a/{n}") for n, word in enumerate(statuses.split())))
    assert {name: tally.exit_code(style, fails=tally.fails) for name, style in STYLES.items()} == codes


@pytest.mark.parametrize(("name", "code"), [("default", 3), ("bisect", 125), ("kselftest", 1), ("ltp", 2)])
def test_a_target_without_evidence_beside_one_with_is_a_doubt(name: str, code: int) -> None:
    tally = tally_of(result(Status.PASS), result(Status.UNTESTED, target="other"))
    assert tally.exit_code(STYLES[name], fails=False) == code


def test_cases_are_counted_for_each_target() -> None:
    tally = tally_of(
        result(Status.PASS, "a/1"),
        result(Status.PASS, "a/1", repetition=2),
        result(Status.FAIL, "a/2"),
        result(Status.FAIL, "a/1", target="model:posix"),
    )
    assert [(target, tally.count(target, Status.FAIL)) for target in ("local", "model:posix", "none")] == [
        ("local", 1),
        ("model:posix", 1),
        ("none", 0),
    ]
    assert tally.count("local", Status.PASS) == 1
    assert [entry.worst.case for entry in tally.of_target("local")] == ["a/1", "a/2"]


def test_a_broken_requirement_names_its_cases_once_and_in_order() -> None:
    tally = tally_of(
        result(Status.FAIL, "a/2", findings=(FINDING,)),
        result(Status.FAIL, "a/1", findings=(FINDING, FINDING)),
        result(Status.PASS, "a/3", findings=(FINDING,)),
        result(Status.FAIL, "a/4", target="other", findings=(FINDING,)),
    )
    assert tally.broken("local") == {"mlock.no-change": ["a/1", "a/2"]}
    assert tally.broken("other") == {"mlock.no-change": ["a/4"]}
    assert tally.broken("none") == {}
