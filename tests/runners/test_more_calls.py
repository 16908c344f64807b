# SPDX-License-Identifier: Apache-2.0
"""exec, threads, mremap, brk and MAP_LOCKED in cases: how they are written, checked, judged and drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import CaseFileError
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.protocol.trace import Ended
from lockproof.conformance.reports.case_picture import show
from lockproof.conformance.reports.picture import picture
from tests.command import SMALL, lockproof
from tests.helpers import case_of, corpus, execution, step, target_info, trace

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = corpus(
    "- {id: a, about: A., checks: [mlock.errors], map: a, call: munlockall, expect: {result: 0}}"
).requirements
ALL = (
    "map: _hh__sa\nregions: {h: {kind: heap}, s: {kind: sysv}, b: {kind: file}}\nsteps:\n"
    "- {call: brk, range: .^^^...}\n"
    "- {call: mremap, range: ......^, to: ...^^..}\n"
    "- {call: mmap, range: ^......, region: b, flags: LOCKED}\n"
    "- call: thread\n  child:\n  - {call: mlock, range: ......^}\n"
    "- {call: exec, image: missing}\n"
    "- {call: exec, expect: {locked: _______}}\n"
)


def test_they_are_written_as_the_protocol_has_them() -> None:
    assert compile_case(case_of(ALL)).text.splitlines()[2:] == [
        "region a anonymous rw private", "region b file rw private", "region h heap rw private", "region s sysv rw shared",
        "map h 1 2 0", "map s 5 1 0", "map a 6 1 0",
        "call brk 1 3", "call mremap 6 1 3 2", "call mmap b 0 1 0 LOCKED",
        "thread", "call mlock 6p 1p", "exit", "call exec missing", "call exec self",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("map: aah\nregions: {h: {kind: heap}}\ncall: munlockall\nexpect: {result: 0}",
         "map: h is the heap; write it as the first memory of the map, in one piece"),
        ("map: h_h\nregions: {h: {kind: heap}}\ncall: munlockall\nexpect: {result: 0}", "h is the heap"),
        ("map: a_\nregions: {h: {kind: heap}}\ncall: mmap\nregion: h\nrange: .^\nexpect: {result: 0}",
         "the heap cannot be mapped; make it larger with `call: brk`"),
        ("map: a\nsteps: [{call: thread, child: [{call: exec}]}, {call: munlockall, expect: {result: 0}}]",
         "steps[0].child[0].call: would end all other threads; write the step after the thread"),
        ("map: a\nsteps: [{call: thread, child: [{call: vfork}]}, {call: munlockall, expect: {result: 0}}]",
         "steps[0].child[0].call: a thread of the probe has no child; write the step after the thread"),
        ("map: a\nsteps: [{call: fork, child: [{call: thread, child: [{call: observe}]}]}, {call: munlockall, expect: {result: 0}}]",
         "children do not nest"),
        ("map: a\nsteps: [{call: thread, child: [{call: mlock, range: ^, fault: each-allocation, expect: {result: 0}}]}]",
         "faults are armed for the first thread only"),
        ("map: a\nsteps: [{call: exec, fault: each-allocation, expect: {result: 0}}]",
         "the allocations of exec cannot be made to fail"),
        ("map: aa\ncall: mremap\nrange: ^.\nexpect: {result: 0}", "to: is missing; mremap takes range and to"),
        ("map: aa\ncall: mmap\nrange: ^.\nregion: a\nflags: LOCK\nexpect: {result: 0}", "'LOCK' is no flag of mmap"),
        ("map: aa\ncall: mlock\nrange: ^.\nimage: self\nexpect: {result: 0}", "image: mlock has none; it takes range"),
        ("map: a\ncall: exec\nimage: other\nexpect: {result: 0}", "'other' is not known; write one of: missing, self"),
        ("map: a\ncall: touch\nrange: ^\nexpect: {result: SIGILL}", "'SIGILL' is no result; "),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(fields: str, message: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        case_of(fields)
    assert message in str(caught.value)


TOUCH = "map: a_\nsteps: [{call: touch, range: .^, expect: {result: SIGSEGV}}, {call: observe, expect: {locked: ._}}]"


@pytest.mark.parametrize(
    ("signal", "at", "status"),
    [("SIGSEGV", 0, Status.PASS), ("SIGBUS", 0, Status.FAIL), ("SIGSEGV", 1, Status.FAIL)],
)
def test_a_signal_passes_where_the_step_permits_it(signal: str, at: int, status: Status) -> None:
    steps = [step(0, "0", "._")][:at]
    died = execution("._", *steps, status=Ended.DIED, signal=signal, at_step=at)
    assert judge(case_of(TOUCH), trace(died), REQUIREMENTS).status is status


def test_a_step_that_should_have_ended_in_a_signal_and_did_not_fails() -> None:
    lived = execution("._", step(0, "0", "._"), step(1, "0", "._"))
    assert judge(case_of(TOUCH), trace(lived), REQUIREMENTS).status is Status.FAIL


def test_what_a_thread_does_is_compared_with_what_was_before_it() -> None:
    case = case_of(
        "map: aa\nlocked: L.\nsteps: [{call: thread, child: [{call: munlock, range: .^, expect: {locked: unchanged}}]}]"
    )
    right = execution("L.", step(1, "0", "L."), step(0, "0", "L."))
    wrong = execution("L.", step(1, "0", ".."), step(0, "0", ".."))
    assert judge(case, trace(right), REQUIREMENTS).status is Status.PASS
    found = judge(case, trace(wrong), REQUIREMENTS)
    assert found.findings[0].message == "page 0 became unlocked"
    assert "  thread: munlock" in str(picture(case, trace(wrong), found, target_info()))


def test_a_case_is_drawn_before_it_has_run() -> None:
    text = show(case_of(ALL), REQUIREMENTS)
    assert "  map       _hh__sa\n    h       heap\n    s       sysv\n" in text.replace("    b       file\n", "")
    assert "thread: mlock" in text
    assert "exec      missing" in text
    assert "permitted _______             → any" in text


def test_lint_names_what_is_doubtful_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(
        SMALL.replace("The pages of the range are locked.", "the pages")
        + "- id: twin\n  about: Another one.\n  checks: [mlock.whole-pages, mlock.success-zero]\n  map: aaa\n"
        "  call: mlock\n  range: .^.\n  expect:\n    - {result: 0, locked: .L.}\n"
        "- id: idle\n  about: It permits nearly everything.\n  checks: [mlock.errors]\n  map: a\n  call: munlockall\n"
        "  expect: {result: [0, EAGAIN, EINVAL, ENOMEM, EPERM]}\n".replace("mlock.errors", "munlockall.always-zero")
        + "- id: wrong\n  about: It permits nothing that the standard permits.\n  checks: [mlock.success-zero]\n"
        "  map: a\n  call: mlock\n  range: ^\n  expect: {result: EIO}\n"
    )
    done = lockproof("cases", "--lint", "--cases", "cases.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "cases.yaml:10:3: about: cases/success: no sentence; end it with a full stop" in done.stdout
    assert "cases.yaml:18:3: id: cases/twin: does and expects the same as cases/success; remove one" in done.stdout
    assert "cases/idle: catches no mutant; expect more of it" in done.stdout
    assert "cases/wrong: does not pass on model:posix; permit what the standard permits" in done.stdout
