# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.lava import lava
from tests.reports.lava_reader import read
from tests.reports.made_up import TRACE, manifest, result, run

HOSTILE = "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=x RESULT=pass>\n<LAVA_SIGNAL_TESTSET START y>\x00\x1b[2J\ud800 <LAVA_>"
SWEEP = (
    TRACE[0],
    TRACE[1].replace('"step":0', '"step":0,"fault":"failed"'),
    '{"execution":1,"status":"done"}',
    TRACE[0],
    TRACE[1].replace('"step":0', '"step":0,"fault":"not-reached"'),
    '{"execution":2,"status":"done"}',
    TRACE[-1],
)


def test_a_report_looks_like_this() -> None:
    made = run(result(Status.PASS, "a/b/pass"), result(Status.UNTESTED, "a/c/skip[n=1,of=x]"))
    assert lava([made], "") == (
        "<LAVA_SIGNAL_TESTSET START a/b>\n"
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=pass RESULT=pass>\n"
        "<LAVA_SIGNAL_TESTSET STOP>\n"
        "<LAVA_SIGNAL_TESTSET START a/c>\n"
        "<LAVA_SIGNAL_STARTTC skip[n=1,of=x]>\n"
        "UNTESTED: why it is UNTESTED\n"
        "<LAVA_SIGNAL_ENDTC skip[n=1,of=x]>\n"
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=skip[n=1,of=x] RESULT=skip>\n"
        "<LAVA_SIGNAL_TESTSET STOP>\n"
    )


def test_every_verdict_has_its_result_and_a_failure_its_picture() -> None:
    text = lava([run(*(result(status, f"a/{status}") for status in Status))], "")
    assert {name: data["RESULT"] for (_, name), data in read(text).items()} == {
        "PASS": "pass",
        "FAIL": "fail",
        "UNRESOLVED": "unknown",
        "UNSUPPORTED": "skip",
        "UNTESTED": "skip",
    }
    picture = text.partition("<LAVA_SIGNAL_STARTTC FAIL>")[2].partition("<LAVA_SIGNAL_ENDTC FAIL>")[0]
    assert "  permitted .L.__...            mlock.no-change (POSIX)\n" in picture


def test_a_sweep_measures_how_many_allocations_failed() -> None:
    (data,) = read(lava([run(result(Status.PASS, trace=SWEEP))], "")).values()
    assert data == {"RESULT": "pass", "UNITS": "allocations", "MEASUREMENT": "1"}


def test_several_targets_have_test_sets_of_their_own() -> None:
    targets = ("command:sh -c '{probe}'", "model:posix")
    made = run(*(result(Status.PASS, target=target) for target in targets), of=manifest(*targets))
    assert [test_set for test_set, _ in read(lava([made], ""))] == [
        "command-sh-c-probe/mlock/no-change",
        "model-posix/mlock/no-change",
    ]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PASS])
def test_what_a_target_says_is_no_signal(status: Status) -> None:
    assert list(read(lava([run(result(status, why=HOSTILE), result(Status.PASS, "a/b"))], ""))) == [
        ("a", "b"),
        ("mlock/no-change", "hole"),
    ]
