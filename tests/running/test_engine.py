# SPDX-License-Identifier: Apache-2.0
"""Closing cases: what each session of a target runs at its end, judged once over all of them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import StoreError, TargetError
from lockproof.conformance.protocol.trace import SystemTrace, Trace
from lockproof.conformance.reports.words import summary
from lockproof.conformance.running.engine import Engine
from lockproof.conformance.running.events import TargetEnded
from lockproof.conformance.running.results import Result
from tests.helpers import collect, corpus, execution, step, target_info, trace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.running.events import Event
    from lockproof.conformance.running.results import Key
    from lockproof.runners.target import TargetInfo

CASES = corpus(
    "- {id: last, about: A., checks: [quality.system], map: a, closing: true, call: settle, expect: {mlocked: unchanged}}\n"
    "- {id: n, about: A., checks: [mlock.errors], for-each: {n: [1, 2, 3, 4]}, map: a, call: observe,\n"
    "   expect: {result: 0}}\n"
)
LAST = "folder/last"


@dataclass
class KernelSession:
    """A session that leaks some pages, or breaks at its first program."""

    leak: int | None
    info: TargetInfo
    calls: list[str] = field(default_factory=list)
    about: str = ""

    def run(self, programs: Iterable[Program]) -> Iterator[Trace]:
        for program in programs:
            if self.leak is None:
                msg = "it broke"
                raise TargetError(msg)
            call = program.text.split()[-1]
            self.calls.append(call)
            settled = SystemTrace((5, 5 + self.leak), None) if call == "settle" else None
            yield trace(execution(".", replace(step(0, "0", "."), system=settled)))

    def give_up(self) -> None:
        """Nobody waits for it."""


@dataclass
class Kernel:
    """A target whose sessions leak so many pages each, or break where it says None."""

    leaks: list[int | None]
    info: TargetInfo = field(default_factory=target_info)
    together: int = 1
    """Sessions that begin together, so that each gets something to do."""
    name: str = "kernel"
    files: dict[str, str] = field(default_factory=dict)
    sessions: list[KernelSession] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._barrier = threading.Barrier(self.together)
        self._lock = threading.Lock()

    @contextmanager
    def session(self) -> Iterator[KernelSession]:
        with self._lock:
            session = KernelSession(self.leaks[len(self.sessions)], self.info)
            self.sessions.append(session)
        self._barrier.wait()
        yield session

    @property
    def calls(self) -> list[list[str]]:
        """The calls that each session made."""
        return [session.calls for session in self.sessions]


def run(kernel: Kernel, *, jobs: int = 1, repeat: int = 1, done: Collection[Key] = ()) -> list[Result]:
    results: list[Result] = []
    Engine(
        cases=CASES.cases,
        requirements=CASES.requirements,
        listeners=[collect(results)],
        jobs=jobs,
        repeat=repeat,
        done=done,
    ).run([kernel])
    return results


def said(results: list[Result]) -> list[tuple[str, str]]:
    """Return status and summary of the closing case, for each repetition."""
    return [(result.verdict.status.value, summary(result.verdict)) for result in results if result.case == LAST]


def test_closing_cases_come_last_although_they_stand_first() -> None:
    kernel = Kernel([0])
    results = run(kernel)
    assert kernel.calls == [["observe"] * 4 + ["settle"]]
    assert [result.case for result in results][-1] == LAST
    assert said(results) == [("PASS", "")]


def test_every_session_runs_them_and_one_verdict_is_given_for_all() -> None:
    kernel = Kernel([0, 7], together=2)
    results = run(kernel, jobs=2)
    assert [calls[-1] for calls in kernel.calls] == ["settle", "settle"]
    assert said(results) == [
        ("FAIL", "quality.system: the system counts 12 mlocked pages, 7 more than when the target was started")
    ]
    assert len(results) == 5


def test_each_repetition_is_judged_once() -> None:
    kernel = Kernel([0])
    results = run(kernel, repeat=3)
    assert kernel.calls == [["observe"] * 12 + ["settle"] * 3]
    assert said(results) == [("PASS", "")] * 3
    assert [result.repetition for result in results if result.case == LAST] == [1, 2, 3]


def test_a_target_that_has_nothing_else_to_run_runs_them_in_one_session() -> None:
    done = {("kernel", case.name, 1) for case in CASES.cases if not case.closing}
    kernel = Kernel([0])
    assert said(run(kernel, jobs=3, done=done)) == [("PASS", "")]
    assert kernel.calls == [["settle"]]


def test_what_is_done_is_not_run_again() -> None:
    kernel = Kernel([])
    assert run(kernel, done={("kernel", case.name, 1) for case in CASES.cases}) == []
    assert kernel.calls == []


def test_a_target_that_cannot_close_says_why_once() -> None:
    kernel = Kernel([0], info=target_info(alone=False, counts=None))
    ((status, reason),) = said(run(kernel))
    assert status == "UNTESTED"
    assert reason.startswith("the target has no kernel to itself")
    assert kernel.calls == [["observe"] * 4]


@pytest.mark.parametrize("leaks", [[None], [None, 0], [0, None]])
def test_a_session_that_broke_leaves_a_doubt(leaks: list[int | None]) -> None:
    results = run(Kernel(leaks, together=len(leaks)), jobs=len(leaks))
    assert said(results) == [("UNRESOLVED", "kernel: it broke")]
    assert len(results) == 5


def test_listeners_are_told_of_start_results_and_end_in_this_order() -> None:
    told: list[str] = []
    Engine(
        cases=CASES.cases, requirements=CASES.requirements, listeners=[lambda event: told.append(type(event).__name__)]
    ).run([Kernel([0])])
    assert told == ["TargetStarted", *["Result"] * 5, "TargetEnded"]


def test_a_target_that_broke_says_why_at_its_end() -> None:
    ends: list[Event] = []
    Engine(cases=CASES.cases, requirements=CASES.requirements, listeners=[ends.append]).run([Kernel([None])])
    assert ends[-1] == TargetEnded("kernel", "kernel: it broke")


def test_what_a_listener_raises_ends_the_run() -> None:
    def full(event: Event) -> None:
        if isinstance(event, Result):
            msg = "no room"
            raise StoreError(msg)

    with pytest.raises(StoreError, match="no room"):
        Engine(cases=CASES.cases, requirements=CASES.requirements, listeners=[full]).run([Kernel([0])])


def test_a_run_that_is_stopped_leaves_them_to_the_next() -> None:
    stop = threading.Event()
    results: list[Result] = []

    def stop_after(event: Event) -> None:
        if isinstance(event, Result):
            stop.set()

    Engine(
        cases=CASES.cases,
        requirements=CASES.requirements,
        listeners=[collect(results), stop_after],
        stop=stop,
    ).run([Kernel([0])])
    assert said(results) == []
    assert len(results) == 1
