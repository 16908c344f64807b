# SPDX-License-Identifier: Apache-2.0
"""What is generated: every call in every form, and no case of which nobody could say what it should do."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.exploring.generator import LINUX, POSIX, Calls, case_of, draw
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import Outcome, flatten
from lockproof.conformance.language.loading import load_text
from lockproof.conformance.language.writing import write

if TYPE_CHECKING:
    from lockproof.conformance.language.case import Case, Step

COUNT = 3000


@cache
def generated(*, linux: bool) -> tuple[Case, ...]:
    random = Random(1)  # noqa: S311  no secret
    return tuple(case_of(draw(random), LINUX if linux else POSIX, faults=True) for _ in range(COUNT))


def steps(*, linux: bool, call: Call | None = None) -> list[Step]:
    found = (step for case in generated(linux=linux) for step in flatten(case.steps))
    return [step for step in found if call in {None, step.call}]


@pytest.mark.parametrize(("calls", "linux"), [(POSIX, False), (LINUX, True)])
def test_every_call_comes_with_every_flag(calls: Calls, *, linux: bool) -> None:
    assert {step.call for step in steps(linux=linux)} == {*calls.calls, Call.OBSERVE}
    assert {step.flags for step in steps(linux=linux, call=Call.MMAP)} == set(calls.mmap)
    assert {step.flags for step in steps(linux=linux, call=Call.MLOCKALL)} == set(calls.mlockall)


def test_every_memory_is_laid_out_and_mapped() -> None:
    assert {letter for case in generated(linux=True) for letter in case.map} == set(LINUX.layouts)
    assert {step.region for step in steps(linux=True, call=Call.MMAP)} == set(LINUX.letters)


def test_mremap_cuts_grows_keeps_and_moves() -> None:
    ranges = [(step.range, step.to) for step in steps(linux=True, call=Call.MREMAP)]
    forms = {(a.first == b.first, (a.count > b.count) - (a.count < b.count)) for a, b in ranges if a and b}
    assert forms == {(in_place, size) for in_place in (True, False) for size in (-1, 0, 1)}


def test_the_heap_is_the_first_memory_and_only_where_there_is_one_brk_is_called() -> None:
    heaps = [case for case in generated(linux=True) if "h" in case.map]
    assert heaps
    assert [case.map for case in heaps if "h" in case.map.lstrip("_").lstrip("h")] == []
    brk = [case for case in generated(linux=True) if any(step.call is Call.BRK for step in flatten(case.steps))]
    assert brk
    assert [case.map for case in brk if "h" not in case.map] == []


def test_no_new_image_follows_a_heap_whose_place_it_may_take() -> None:
    images = {
        (step.image, "h" in case.map)
        for case in generated(linux=True)
        for step in flatten(case.steps)
        if step.call is Call.EXEC
    }
    assert images == {("self", False), ("missing", False), ("missing", True)}


def test_allocations_of_every_call_that_locks_fail_and_no_access_ends_a_sweep() -> None:
    faulty = set()
    for case in generated(linux=True):
        calls = [step.call for step in flatten(case.steps)]
        for at, step in enumerate(flatten(case.steps)):
            if step.fault:
                faulty.add(step.call)
                assert Call.TOUCH not in calls[at:]
    locking = {Call.MLOCK, Call.MLOCK2, Call.MUNLOCK, Call.MLOCKALL, Call.MUNLOCKALL, Call.MMAP}
    assert faulty == locking


@pytest.mark.parametrize("linux", [False, True])
def test_a_generated_case_could_have_been_written(*, linux: bool) -> None:
    for case in generated(linux=linux)[:300]:
        last = replace(case.steps[-1], expect=(Outcome(result=("0",)),))
        checks = last.call.signature.checks
        load_text(write(replace(case, about="A case.", checks=checks, steps=(*case.steps[:-1], last))))
