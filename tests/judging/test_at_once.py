# SPDX-License-Identifier: Apache-2.0
"""Calls at the same time are judged by what some order of them gives and leaves, each page for itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.exploring.permitted import judged
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.loading import load
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.reports.picture import picture
from lockproof.runners.target import make_target
from tests.helpers import case_of, catalogue, execution, step, target_info, trace

if TYPE_CHECKING:
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.protocol.trace import StepTrace

CALLS = "{call: mlock, range: ^^^}, {call: munlock, range: .^^}"
CASE = case_of(
    "checks: [mlock.no-change, mlock.errors, mlock.in-memory]\nmap: aaa\nsteps: [{call: threads, times: 9, child: ["
    + CALLS
    + "], expect: {result: 0, locked: done, resident: done}}]"
)
BOTH_ZERO = (("0",), ("0",))


def made(locked: str, resident: str, results: tuple[tuple[str, ...], ...] = BOTH_ZERO) -> StepTrace:
    done = step(0, "0", locked)
    return replace(done, results=results, snapshot=replace(done.snapshot, resident=resident))


@pytest.mark.parametrize("locked", ["LLL", "L..", "L.L", "LL."])
def test_each_page_may_be_as_another_order_leaves_it(locked: str) -> None:
    seen = trace(execution("...", made(locked, "RRR")))
    assert judge(CASE, seen, catalogue()).status is Status.PASS


WRONG = {
    "page 0 stayed unlocked": made(".LL", "RRR"),
    "page 2 is not resident": made("LLL", "RR."),
    "mlock gave EAGAIN, munlock gave 0, as in no order of them": made("LLL", "RRR", (("EAGAIN",), ("0",))),
    "mlock gave 0 or EAGAIN, munlock gave 0, as in no order of them": made("LLL", "RRR", (("0", "EAGAIN"), ("0",))),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_no_order_gives_or_leaves_fails(message: str) -> None:
    found = judge(CASE, trace(execution("...", WRONG[message])), catalogue())
    assert found.status is Status.FAIL
    assert [finding.message for finding in found.findings] == [message]


def test_a_page_that_is_not_locked_need_not_be_in_memory() -> None:
    assert (
        judge(
            CASE,
            trace(
                execution("...", made("L..", "R..")),
            ),
            catalogue(),
        ).status
        is Status.PASS
    )


def test_results_that_were_not_told_are_a_doubt() -> None:
    found = judge(CASE, trace(execution("...", made("LLL", "RRR", ()))), catalogue())
    assert (found.status, found.reason) == (Status.UNRESOLVED, "step 0, threads, has 2 calls, and told of 0")


def test_where_modes_look_alike_nobody_demands_what_only_one_of_them_brings_in() -> None:
    modes = "{call: mlock, range: ^^^}, {call: mlock2, range: ^^^, flags: ONFAULT}"
    case = case_of(
        f"checks: [mlock.no-change, mlock.in-memory]\nmap: aaa\nsteps: [{{call: threads, times: 9, child: [{modes}], expect: {{locked: done, resident: done}}}}]"
    )
    seen = trace(execution("...", made("LLL", "...")))
    assert judge(case, seen, catalogue(), modes=False).status is Status.PASS
    assert judge(case, seen, catalogue(), modes=True).status is Status.FAIL


def test_each_thread_is_drawn_with_all_that_it_gave() -> None:
    seen = trace(execution("...", made("LLL", "RRR", (("0", "EAGAIN"), ("0",)))))
    text = str(picture(CASE, seen, judge(CASE, seen, catalogue()), target_info()))
    assert "  threads   9 times each, at once → 0" in text
    assert "  thread: mlock ^^^             → 0 or -1 EAGAIN" in text


RACES = [case for case in load().cases if any(step.call is Call.THREADS for step in case.steps)]


def naive(case: Case, model: str) -> str:
    """Return what the naive statement finds wrong with what a model does; empty: nothing."""
    with make_target(f"model:{model}").session() as session:
        (seen,) = session.run([compile_case(case)])
    found = judged(case, seen, 4096)
    return found.divergence.what if found.divergence is not None else found.unresolved


@pytest.mark.parametrize("case", [case for case in RACES if case.profile == "posix"], ids=lambda case: case.name)
def test_the_naive_statement_permits_what_the_model_does_in_each_order(case: Case) -> None:
    assert naive(case, "posix") == ""


@pytest.mark.parametrize(
    ("model", "race"),
    [("posix/threads-undo-each-other", "parts-of-a-mapping"), ("posix/threads-lock-all", "neighbours")],
)
def test_the_naive_statement_finds_what_no_order_leaves(model: str, race: str) -> None:
    (case,) = (case for case in RACES if case.name == f"lifetime/threads/at-once[times=again,race={race}]")
    assert "threads gave 0 and left the locks" in naive(case, model)
