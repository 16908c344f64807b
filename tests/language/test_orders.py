# SPDX-License-Identifier: Apache-2.0
"""What calls at the same time may give and leave, and what cannot be said of them."""

from __future__ import annotations

import pytest

from lockproof.conformance.errors import CaseFileError
from lockproof.conformance.language.loading import load_text
from lockproof.conformance.language.orders import ends_of
from lockproof.conformance.language.writing import write
from lockproof.conformance.protocol.program import compile_case
from tests.helpers import case_of, catalogue

LOCK, UNLOCK, UNMAP = "{call: mlock, range: ^^}", "{call: munlock, range: ^^}", "{call: munmap, range: .^}"


def at_once(*calls: str, times: int = 1, rest: str = "", before: str = "") -> str:
    expect = "expect: {result: 0, locked: done}"
    step = f"{{call: threads, times: {times}, child: [{', '.join(calls)}], {expect}}}"
    return f"map: aa\n{rest}\nsteps: [{before}{step}]"


def ends(*calls: str, times: int = 1) -> set[tuple[str, ...]]:
    """Return the ends, each as the results of the calls and the locks."""
    case = case_of(at_once(*calls, times=times))
    return {(*map("|".join, map(sorted, end.results)), end.locked) for end in ends_of(case.locked, case.steps, 0)}


def test_each_order_of_the_calls_is_an_end() -> None:
    assert ends(LOCK, UNLOCK) == {("0", "0", "LL"), ("0", "0", "..")}
    assert ends(LOCK, "{call: munlock, range: .^}") == {("0", "0", "LL"), ("0", "0", "L.")}


def test_what_a_call_gives_depends_on_those_before_it_and_one_that_fails_changes_nothing() -> None:
    assert ends(LOCK, UNMAP) == {("0", "0", "L_"), ("ENOMEM", "0", "._")}


def test_what_is_made_again_and_again_may_give_both() -> None:
    assert ends(LOCK, UNMAP, times=9) == {("0", "0", "L_"), ("ENOMEM", "0", "._"), ("0|ENOMEM", "0", "L_")}


def test_memory_is_locked_or_not_where_mcl_future_comes_meanwhile() -> None:
    calls = ("{call: mlockall, flags: FUTURE}", "{call: mmap, range: .^, region: b}")
    assert {end[-1] for end in ends(*calls)} == {".L", ".."}


def test_advice_is_refused_for_what_is_locked() -> None:
    assert ends(LOCK, "{call: madvise, range: ^^, advice: dontneed}") == {("0", "0", "LL"), ("0", "EINVAL", "LL")}


def test_the_calls_are_lines_between_threads_and_exit() -> None:
    case = case_of(at_once(LOCK, UNLOCK, times=7))
    assert compile_case(case).text.splitlines()[-4:] == ["threads 7", "call mlock 0p 2p", "call munlock 0p 2p", "exit"]


def test_what_is_written_is_loaded_again_as_the_same() -> None:
    case = case_of(at_once(LOCK, UNLOCK, times=7))
    (again,) = load_text(write(case), catalogue()).cases
    assert again.steps == case.steps


MISTAKES = {
    "child: 1 calls; write 2 to 4": at_once(LOCK),
    "child: 5 calls; write 2 to 4": at_once(*[LOCK] * 5),
    "times: is missing; threads takes times and child": at_once(LOCK, LOCK).replace("times: 1, ", ""),
    "times: 0 is too small; write at least 1": at_once(LOCK, LOCK, times=0),
    "child[0].expect: calls at the same time are judged together": at_once(
        "{call: mlock, range: ^^, expect: {result: 0}}", LOCK
    ),
    "child[1].call: calls at the same time are system calls of one process": at_once(LOCK, "{call: observe}"),
    "child[1].call: what this msync does in each order is not known": at_once(
        LOCK, "{call: msync, range: ^^, flags: SYNC}"
    ),
    "child[1].call: what this mprotect does in each order is not known": at_once(
        LOCK, "{call: mprotect, range: ^^, protection: none}"
    ),
    "call: what a call before it does is not known; write these calls first": at_once(
        LOCK, UNLOCK, before="{call: msync, range: ^^, flags: SYNC}, "
    ),
    "limits: what threads do at the same time is judged without": at_once(LOCK, UNLOCK, rest="limits: {memlock: 1p}"),
    "as: threads are made beforehand": at_once(LOCK, UNLOCK, rest="as: unprivileged"),
    "steps[0].call: a new image has no threads": at_once(LOCK, UNLOCK, before="{call: exec, image: missing}, "),
    "fault: no sweep goes with threads": at_once(
        LOCK, UNLOCK, before="{call: mlock, range: ^^, fault: each-allocation}, "
    ),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_what_cannot_be_is_said(message: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        case_of(MISTAKES[message])
    assert message in str(caught.value)
