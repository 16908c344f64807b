# SPDX-License-Identifier: Apache-2.0
"""What is permitted where the standard leaves something open, and which requirement is broken where it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockproof.conformance.exploring.naive import State, permitted
from lockproof.conformance.exploring.permitted import Judgement, judged
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import Case, Region, Step
from lockproof.conformance.language.loading import load_requirements, load_text
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.protocol.trace import Crash, Ended, Trace
from lockproof.runners.target import make_target

LEFT_OPEN = {
    "rounds an empty range": "{map: a, call: mlock, range: {pages: ^, start: 100, length: 0}}",
    "rounds an empty range to unlock": "{map: a, locked: L, call: munlock, range: {pages: ^, start: 100, length: 0}}",
    "refuses an empty range without privilege": (
        "{map: a, as: unprivileged, limits: {memlock: 0}, call: mlock, range: {pages: ^, length: 0}}"
    ),
    "has no room for an object": (
        "{map: a_, regions: {s: {kind: shared}}, "
        "steps: [{call: mmap, region: s, range: .^, fault: each-allocation, expect: {result: any}}]}"
    ),
    "has none under MCL_FUTURE": (
        "{map: a_, regions: {s: {kind: shared}}, steps: [{call: mlockall, flags: FUTURE}, "
        "{call: mmap, region: s, range: .^, fault: each-allocation, expect: {result: any}}]}"
    ),
    "counts what is replaced against the limit": (
        "{map: aa, locked: .L, as: unprivileged, limits: {memlock: 2p}, "
        "steps: [{call: mlockall, flags: FUTURE}, {call: mmap, region: a, range: ^^, expect: {result: any}}]}"
    ),
}
"""What Linux does, and of which the standard does not say that it must not."""

BROKEN = {
    "mlock.failure.no-change:locked": ("linux-6", "{map: a_, call: mlock, range: ^^}"),
    "munlock.failure.no-change:locked": ("linux-6", "{map: a_, locked: L_, call: munlock, range: ^^}"),
    "mlock.enomem.unmapped:result": ("linux-6", "{map: a, call: mlock, range: {pages: ^, length: -1}}"),
    "munlock.enomem.unmapped:result": ("linux-6", "{map: a, call: munlock, range: {pages: ^, length: -1}}"),
    "errno.required:result": ("posixmlock-2006", "{map: n, regions: {n: {protection: none}}, call: mlock, range: ^}"),
    "mlock.locked-and-resident:locked": ("posix/mlock-skips-last-page", "{map: aa, call: mlock, range: ^^}"),
    "mlock.locked-and-resident:resident": ("posix/mlock-not-resident", "{map: aa, call: mlock, range: ^^}"),
    "linux.rlimit-memlock:result": (
        "posix/limit-one-page-high",
        "{map: aa, as: unprivileged, limits: {memlock: 1p}, call: mlock, range: ^^}",
    ),
    "munlock.unlocks:locked": (
        "posix/locks-nest",
        "{map: a, locked: L, steps: [{call: mlock, range: ^}, {call: munlock, range: ^, expect: {result: 0}}]}",
    ),
    "mlockall.locked-and-resident:resident": (
        "posix/mlockall-not-resident",
        "{map: a, call: mlockall, flags: CURRENT}",
    ),
    "mlockall.failure.future:locked": (
        "posix/mlockall-failure-arms-future",
        (
            "{map: a_, as: unprivileged, limits: {memlock: 1p}, steps: [{call: mlockall, flags: [CURRENT, FUTURE], "
            "expect: {result: any}}, {call: mmap, region: a, range: .^, expect: {result: 0}}]}"
        ),
    ),
    "munlockall.cancels-future:locked": (
        "posix/munlockall-keeps-future",
        (
            "{map: a_, steps: [{call: mlockall, flags: FUTURE}, {call: munlockall}, "
            "{call: mmap, region: a, range: .^, expect: {result: 0}}]}"
        ),
    ),
    "mmap.past-end:result": (
        "posix/past-end-sigsegv",
        "{map: f, regions: {f: {kind: file, file-pages: 0}}, call: touch, range: ^}",
    ),
    "mmap.no-access:result": ("posix/hole-sigbus", "{map: a_, call: touch, range: .^}"),
}
"""By what is broken: a model that does, and the case that shows it."""


def case_of(text: str) -> Case:
    expect = "" if "expect" in text else ", expect: {result: any}"
    (case,) = load_text(f"[{{id: a, about: A case., checks: [mlock.empty-range], {text[1:-1]}{expect}}}]").cases
    return case


def on(model: str, case: Case) -> Trace:
    with make_target(f"model:{model}").session() as session:
        return next(iter(session.run([compile_case(case)])))


@pytest.mark.parametrize("what", LEFT_OPEN)
def test_what_the_standard_leaves_open_is_no_difference(what: str) -> None:
    case = case_of(LEFT_OPEN[what])
    trace = on("linux-6", case)
    assert judged(case, trace, 4096, {"mlockall.future:resident"}).divergence is None
    assert trace != on("posix", case)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_step_is_charged_with_what_it_returned(kind: str) -> None:
    model, text = BROKEN[kind]
    case = case_of(text)
    found = judged(case, on(model, case), 4096).divergence
    assert found
    assert (found.kind, found.requirement in load_requirements()) == (kind, True)
    assert "(" not in found.what
    assert judged(case, on("posix", case), 4096) == Judgement()


def test_what_is_known_is_passed_over_and_the_walk_goes_on_from_what_was_seen() -> None:
    case = case_of(
        "{map: a_, steps: [{call: mlock, range: ^^, expect: {result: any}}, {call: munlock, range: ^^, expect: "
        "{result: any}}]}"
    )
    trace = on("linux-6", case)
    assert judged(case, trace, 4096, {"mlock.failure.no-change:locked"}).known == ("mlock.failure.no-change:locked",)
    second = judged(case, trace, 4096, {"mlock.failure.no-change:locked"}).divergence
    assert second
    assert (second.step, second.kind) == (1, "munlock.failure.no-change:locked")
    both = {"mlock.failure.no-change:locked", "munlock.failure.no-change:locked"}
    assert judged(case, trace, 4096, both) == Judgement(known=tuple(sorted(both)))


@pytest.mark.parametrize("mutant", ["mlock-loses-locks-outside", "mlock-loses-earlier-locks"])
def test_more_than_a_part_of_the_job_is_not_known(mutant: str) -> None:
    case = case_of("{map: aa_b, locked: .L_L, call: mlock, range: ^^^.}")
    found = judged(case, on(f"posix/{mutant}", case), 4096, {"mlock.failure.no-change:locked"}).divergence
    assert found
    assert found.kind == "mlock.failure.no-change:locked"


def test_whether_mcl_current_cancels_mcl_future_is_open() -> None:
    armed = State(frozenset({0}), frozenset(), future=True)
    (choice,) = permitted(armed, Step(call=Call.MLOCKALL, flags=("CURRENT",)), None, 0, fault=False)
    (mapping,) = case_of("{map: _, steps: [{call: mmap, region: a, range: ^, expect: {result: any}}]}").steps
    locked = {after.after.locked for after in permitted(choice.after, mapping, Region(), 0, fault=False)}
    assert locked == {frozenset(), frozenset({0})}


def test_munlockall_always_returns_0() -> None:
    choices = permitted(State(frozenset(), frozenset()), Step(call=Call.MUNLOCKALL), None, 0, fault=True)
    assert [choice.results for choice in choices] == [{"0"}]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Ended.SETUP, "its set-up failed: no memory"),
        (Ended.TROUBLE, "the target could not go on: no memory"),
        (Ended.OOM, "the OOM killer ended the process"),
        (Ended.KILLED, "the process was killed from outside"),
    ],
)
def test_an_execution_that_says_nothing_of_the_calls_is_unresolved(status: Ended, said: str) -> None:
    case = case_of("{map: a, call: mlock, range: ^}")
    trace = on("posix", case)
    ended = replace(trace.executions[0], status=status, steps=(), reason="no memory")
    assert judged(case, replace(trace, executions=(ended,)), 4096) == Judgement(unresolved=said)


def test_a_process_that_dies_behind_its_last_step_is_unresolved() -> None:
    case = case_of("{map: a, call: mlock, range: ^}")
    trace = on("posix", case)
    ended = replace(trace.executions[0], status=Ended.DIED, signal="SIGKILL")
    said = judged(case, replace(trace, executions=(ended,)), 4096).unresolved
    assert said == "the process died of SIGKILL behind its last step"


def test_a_kernel_that_breaks_is_a_difference() -> None:
    case = case_of("{map: a, steps: [{call: mlock, range: ^}, {call: munlock, range: ^, expect: {result: 0}}]}")
    trace = replace(on("posix", case), executions=(), crash=Crash("Kernel panic - not syncing", ()))
    found = judged(case, trace, 4096).divergence
    assert found
    assert (found.step, found.what, found.choices) == (1, "Kernel panic - not syncing", ())


def test_observers_that_disagree_say_nothing() -> None:
    case = case_of("{map: a, call: mlock, range: ^}")
    trace = on("posix", case)
    (step,) = trace.executions[0].steps
    torn = replace(step, snapshot=replace(step.snapshot, locked={"smaps": "L", "msync": "."}))
    trace = replace(trace, executions=(replace(trace.executions[0], steps=(torn,)),))
    assert judged(case, trace, 4096).unresolved == "observers disagree about the locks after step 0, mlock"
