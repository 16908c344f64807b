# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.conformance.language.requirements import Aspect
from lockproof.conformance.reports.kcidb import kcidb
from tests.helpers import target_info
from tests.reports.made_up import KNOWN, manifest, message, result, run

if TYPE_CHECKING:
    from lockproof.conformance.reports.run import Run

# Where it is missing (the oldest versions that are allowed, where it is none of lockproof's) nothing can be said here.
kcidb_io = pytest.importorskip("kcidb_io.schema", reason="needs kcidb-io")


def report(*runs: Run) -> Any:  # noqa: ANN401
    """Write a report, and let KernelCI's own code validate it."""
    made = json.loads(kcidb(runs, ""))
    kcidb_io.V5_3.validate_exactly(made)
    return made


def test_every_verdict_has_its_status_and_its_reason() -> None:
    made = report(run(*(result(status, f"a/{status}") for status in Status)))
    assert {test["path"]: (test["status"], test.get("comment")) for test in made["tests"]} == {
        "lockproof.a.PASS": ("PASS", None),
        "lockproof.a.FAIL": ("FAIL", f"FAIL: {message(Status.FAIL, 'why it is FAIL')}"),
        "lockproof.a.UNRESOLVED": ("ERROR", "UNRESOLVED: why it is UNRESOLVED"),
        "lockproof.a.UNSUPPORTED": ("SKIP", "UNSUPPORTED: why it is UNSUPPORTED"),
        "lockproof.a.UNTESTED": ("SKIP", "UNTESTED: why it is UNTESTED"),
    }


def test_what_never_began_is_missed() -> None:
    never, partial = result(Status.UNRESOLVED, "a/1", trace=()), result(Status.PASS, "a/2")
    ended_early = run(never, partial, of=manifest(finished=None))
    del ended_early.tally.cases["local", "a/2"]
    assert [test["status"] for test in report(ended_early)["tests"]] == ["MISS", "MISS"]


def test_a_kernel_is_a_checkout_and_a_build_once() -> None:
    targets = ("qemu:debian/6.12", "qemu:debian/6.12+fault-injection", "qemu:debian/7.2")
    info = {target: target_info(release="7.2.0" if "7.2" in target else "6.12.107") for target in targets}
    made = report(run(*(result(Status.PASS, target=target) for target in targets), of=manifest(*targets, info=info)))
    assert [checkout["id"] for checkout in made["checkouts"]] == ["lockproof:6.12.107", "lockproof:7.2.0"]
    assert len(made["builds"]) == 2
    assert len({test["id"] for test in made["tests"]}) == 3
    assert {test["environment"]["misc"]["platform"] for test in made["tests"]} == {"qemu-x86_64"}


def test_the_build_of_a_target_that_was_not_started_is_said_to_be_unknown() -> None:
    made = report(run(result(Status.UNRESOLVED, trace=()), of=manifest(info={})))
    (checkout,), (build,), (test,) = made["checkouts"], made["builds"], made["tests"]
    assert build["comment"] == checkout["comment"] == "not known: the target was not started"
    assert "status" not in build
    assert test["build_id"] == build["id"]


def test_known_deviations_are_issues_and_incidents() -> None:
    made = report(
        run(result(Status.FAIL, "mlock/known"), result(Status.FAIL), result(Status.PASS, "a/b"), baselines=(KNOWN,))
    )
    (issue,), (incident,) = made["issues"], made["incidents"]
    assert issue["id"] == incident["issue_id"] == "lockproof:keeps-prefix"
    assert issue["report_subject"] == "It keeps the prefix."
    (test,) = (test for test in made["tests"] if test["id"] == incident["test_id"])
    assert (test["path"], test["status"]) == ("lockproof.mlock.known", "FAIL")


def test_a_failure_that_several_issues_explain_is_an_incident_of_each() -> None:
    (issue,) = KNOWN.issues
    other = replace(issue, id="wrong-errno", url="https://example.org/2", finding="mlock.errors:result")
    both = result(Status.FAIL, "mlock/known")
    (finding,) = both.verdict.findings
    second = replace(finding, requirement="mlock.errors", aspect=Aspect.RESULT)
    both = replace(both, verdict=Verdict(Status.FAIL, findings=(finding, second)))
    made = report(run(both, baselines=(replace(KNOWN, issues=(issue, other)),)))
    assert [found["report_url"] for found in made["issues"]] == ["https://example.org", "https://example.org/2"]
    assert [found["issue_id"] for found in made["incidents"]] == ["lockproof:keeps-prefix", "lockproof:wrong-errno"]
    assert len({found["id"] for found in made["incidents"]}) == 2


def test_names_of_combinations_are_paths() -> None:
    made = report(run(result(Status.PASS, "mlock/v1.2/hole[of=a/b,n=-1]")))
    assert made["tests"][0]["path"] == "lockproof.mlock.v1-2.hole-of-a-b-n--1"
    assert made["tests"][0]["misc"]["lockproof"]["case"] == "mlock/v1.2/hole[of=a/b,n=-1]"


def test_two_machines_that_start_a_run_in_the_same_second_have_tests_of_their_own() -> None:
    first, second = run(result(Status.PASS)), run(result(Status.PASS), name="other")
    changed = replace(second, manifest=replace(second.manifest, finished="2026-11-23T04:32:00+00:00"))
    assert len({test["id"] for test in report(first, changed)["tests"]}) == 2
    assert kcidb([first], "") == kcidb([first], "")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "XFAIL"},
        {"path": "a/b"},
        {"start_time": "2026-11-23T04:30:00"},
        {"log_excerpt": "x" * 16385},
        {"a": 1},
    ],
)
def test_what_kernelci_refuses_is_noticed(change: dict[str, object]) -> None:
    made = report(run(result(Status.PASS)))
    made["tests"][0] |= change
    assert not kcidb_io.V5_3.is_valid_exactly(made)
