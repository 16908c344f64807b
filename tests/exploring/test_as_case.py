# SPDX-License-Identifier: Apache-2.0
"""What is kept of a generated case that differs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockproof.conformance.exploring.as_case import as_case
from lockproof.conformance.exploring.generator import LINUX
from lockproof.conformance.exploring.naive import Choice, State
from lockproof.conformance.exploring.permitted import Divergence
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import Case, Outcome, flatten
from lockproof.conformance.language.loading import load_requirements, load_text
from lockproof.conformance.language.requirements import Aspect, Profile
from lockproof.conformance.language.writing import write

STEPS = """
- id: generated
  about: A case.
  checks: [mlock.failure.no-change]
  map: ab_
  steps:
  - {call: mlock, range: "^.."}
  - call: fork
    child:
    - {call: observe}
    - {call: mmap, range: "..^", region: z}
    - {call: observe}
  - {call: mlock2, range: ".^.", flags: ONFAULT, expect: {result: 0}}
"""


def permitted(*locked: int, results: tuple[str, ...] = ("0",), program: bool | None = None) -> Choice:
    state = State(frozenset({0, 1}), frozenset(locked), program=program)
    return Choice(frozenset(results), state)


def kept(difference: Divergence) -> Case:
    (case,) = load_text(STEPS).cases
    return as_case(case, difference, "explored-1", "what is not permitted")


def test_it_ends_at_the_step_that_differs_and_says_what_is_permitted_there() -> None:
    case = kept(Divergence(2, "", (permitted(0, results=("EAGAIN", "0")), permitted(program=False))))
    assert [step.call for step in flatten(case.steps)] == ["mlock", "fork", "observe"]
    assert case.steps[1].child[0].expect == (
        Outcome(result=("0", "EAGAIN"), locked="L._", resident="R??"),
        Outcome(result=("0",), locked=".._", elsewhere="none"),
    )
    assert case.about == "Found by exploring; observe does what is not permitted."
    assert case.checks == ("fork.not-inherited", "mlock.until-unlocked")


def test_where_a_fork_differs_all_that_its_child_does_is_kept() -> None:
    case = kept(Divergence(1, "", (permitted(0),)))
    assert [step.call for step in flatten(case.steps)] == ["mlock", "fork", "observe", "mmap", "observe"]
    assert set(case.regions) == {"a", "b", "z"}


def test_what_is_broken_is_checked_first() -> None:
    case = kept(Divergence(0, "", (permitted(results=("ENOMEM",)),), requirement="mlock.enomem.unmapped"))
    assert case.checks == ("mlock.enomem.unmapped", "mlock.failure.no-change", "mlock.locked-and-resident")


def test_what_linux_alone_asks_for_is_checked_with_what_linux_says_of_failure() -> None:
    case = kept(Divergence(0, "", (permitted(results=("EPERM",)),), requirement="linux.rlimit-memlock.zero"))
    assert case.checks == ("linux.rlimit-memlock.zero", "linux.failure.no-change")
    assert case.profile is Profile.LINUX
    load_text(write(case))


def test_of_a_step_that_no_kernel_outlived_every_result_is_permitted() -> None:
    case = kept(Divergence(5, "Kernel panic", requirement="linux.mlock2.on-fault"))
    assert {"0", "ENOMEM", "SIGBUS"} < {*case.steps[-1].expect[0].result}
    load_text(write(case))


def test_regions_that_are_no_longer_mapped_are_left_out() -> None:
    assert set(kept(Divergence(0, "", (permitted(0),))).regions) == {"a", "b"}


def test_a_step_before_it_may_do_what_it_did() -> None:
    case = kept(Divergence(1, "", (permitted(0),), results={0: "ENOMEM"}))
    assert case.steps[0].expect == (Outcome(result=("ENOMEM",)),)


def test_locks_on_fault_need_not_be_in_memory() -> None:
    case = kept(Divergence(5, "", (replace(permitted(0, 1), on_fault=frozenset({1})),)))
    assert case.steps[-1].expect == (Outcome(result=("0",), locked="LF_", resident="R??"),)
    assert case.profile is Profile.LINUX


def test_where_locks_may_be_there_or_not_they_are_left_open() -> None:
    case = kept(Divergence(5, "", (replace(permitted(0), open=frozenset({0})),)))
    assert case.steps[-1].expect == (Outcome(result=("0",), locked="?._"),)


@pytest.mark.parametrize("call", sorted({*LINUX.calls, Call.OBSERVE}))
def test_what_is_said_to_be_permitted_is_what_the_checks_speak_of(call: Call) -> None:
    catalogue = load_requirements()
    spoken_of = {aspect for name in call.signature.checks for aspect in catalogue[name].observes}
    leaves_no_lock = {Call.MUNLOCKALL, Call.EXEC}
    assert spoken_of >= {Aspect.RESULT, Aspect.LOCKED} | (set() if call in leaves_no_lock else {Aspect.RESIDENT})


def test_it_is_loaded_as_it_is_written() -> None:
    case = kept(Divergence(1, "", (permitted(0), permitted(results=("EAGAIN",)))))
    (again,) = load_text(write(case)).cases
    assert replace(again, name=case.name, source=case.source) == case
