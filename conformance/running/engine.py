# SPDX-License-Identifier: Apache-2.0
"""Runs cases on targets: streaming, in parallel, resumable.

Each target has a lane, the queue of what is still to be run on it. Workers open a session of their own on a lane's
target, take from its queue, judge each trace as it comes, and hand the result over. Whatever no worker could run is
UNRESOLVED.

Closing cases are not in the queue. Each session runs them when the queue is empty, on what all other cases left there,
and they are judged when all sessions have ended, over what all of them saw.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import TargetError
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.conformance.protocol.program import DEFAULT_TIME_LIMIT, Program, compile_case
from lockproof.conformance.protocol.trace import Trace, merged
from lockproof.conformance.reports.picture import picture, summary
from lockproof.conformance.running.store import Key, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.requirements import Requirement
    from lockproof.runners.target import Session, Target, TargetInfo

__all__ = ["Engine", "make_result", "run_once"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What is to be run, and who is told."""

    cases: Sequence[Case]
    requirements: Mapping[str, Requirement]
    on_result: Callable[[Result], None]
    """Called with each result as it comes, never by two threads at once. What it raises ends the run."""
    on_start: Callable[[str, Session], None]
    """Called with each target and session that was started, before its results."""
    repeat: int = 1
    """How often each case is run on each target."""
    jobs: int = 1
    """Sessions at a time."""
    time_limit: float = DEFAULT_TIME_LIMIT
    """Seconds for each execution."""
    done: Collection[Key] = ()
    """What an earlier run has done already."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set, it lets nothing new begin; what is under way ends in order."""
    _speaking: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, targets: Sequence[Target]) -> None:
        """Run everything; returns when all results were handed over, or early where `stop` was set.

        Raises what `on_result` raised.
        """
        work = [_Work(case, compile_case(case, self.time_limit)) for case in self.cases]
        lanes = [self._lane(target, work) for target in targets]
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="session") as pool:
            workers = [pool.submit(self._worker, lane) for _ in range(self.jobs) for lane in lanes]
            try:
                self._wait(workers)
            except BaseException:
                self.stop.set()
                wait(workers)
                raise
        for lane in lanes:
            while lane.trouble is not None and (task := self._take(lane)) is not None:
                self._conclude(lane, task, Trace((), lane.trouble), 0.0)
            self._close(lane)

    def _close(self, lane: _Lane) -> None:
        """Judge what the sessions of a target saw at their ends; a session that saw nothing is a doubt."""
        for task, traces, seconds in lane.closing.values():
            if self.stop.is_set():
                return
            cannot = unmet(task.case, lane.info) if lane.info is not None else None
            if cannot is not None:
                self._hand_over(lane, task, Trace(()), cannot, 0.0)
            else:
                lost = [Trace((), lane.trouble)] if lane.trouble is not None else []
                self._conclude(lane, task, merged([*traces, *lost]), sum(seconds))

    def _lane(self, target: Target, work: list[_Work]) -> _Lane:
        ordinary = [item for item in work if not item.case.closing]
        closing = [item for item in work if item.case.closing]
        return _Lane(
            target,
            self._pending(target, ordinary),
            {task.key: _Closing(task, [], []) for task in self._pending(target, closing)},
        )

    def _pending(self, target: Target, work: list[_Work]) -> Iterator[_Task]:
        for repetition in range(1, self.repeat + 1):
            for case, program in work:
                if (target.name, case.name, repetition) not in self.done:
                    yield _Task(case, program, repetition)

    @staticmethod
    def _wait(workers: list[Future[None]]) -> None:
        """Wait for all workers, and raise the first exception at once."""
        waiting = set(workers)
        while waiting:
            ended, waiting = wait(waiting, return_when="FIRST_COMPLETED")
            for worker in ended:
                worker.result()

    def _take(self, lane: _Lane) -> _Task | None:
        with lane.lock:
            return None if self.stop.is_set() else next(lane.tasks, None)

    def _worker(self, lane: _Lane) -> None:
        """Run tasks of a lane until none is left, and then its closing cases."""
        taken = self._begin(lane)
        if taken is None:
            return
        try:
            with lane.target.session() as session:
                with self._speaking:
                    self.on_start(lane.target.name, session)
                    lane.info = session.info
                began = time.monotonic()
                for trace in session.run(self._programs(lane, taken)):
                    ended = time.monotonic()
                    self._receive(lane, taken.popleft(), trace, ended - began)
                    began = ended
        except TargetError as error:
            lane.trouble = f"{lane.target.name}: {error}"
            for lost in taken:
                self._receive(lane, lost, Trace((), lane.trouble), 0.0)

    def _begin(self, lane: _Lane) -> deque[_Task] | None:
        """Take the first task, if any is left, or give None where there is nothing to open a session for."""
        with lane.lock:
            if lane.hopeless or self.stop.is_set():
                return None
            task = next(lane.tasks, None)
            if task is None and (lane.opened or not lane.closing):
                return None
            lane.opened = True
            return deque([task] if task is not None else [])

    def _programs(self, lane: _Lane, taken: deque[_Task]) -> Iterator[Program]:
        """Give the programs of the task that is taken already, of those still in the lane, and of the closing cases.

        A task that the target cannot run is concluded here, and `taken` holds those whose trace is still to come.
        """
        task = taken.popleft() if taken else None
        while task is not None:
            cannot = unmet(task.case, lane.info) if lane.info is not None else None
            if cannot is not None:
                self._hand_over(lane, task, Trace(()), cannot, 0.0)
            else:
                taken.append(task)
                yield task.program
            task = self._take(lane)
        for closing in lane.closing.values():
            last = closing.task
            if not self.stop.is_set() and lane.info is not None and unmet(last.case, lane.info) is None:
                taken.append(last)
                yield last.program

    def _receive(self, lane: _Lane, task: _Task, trace: Trace, seconds: float) -> None:
        if task.case.closing:
            with lane.lock:
                lane.closing[task.key].traces.append(trace)
                lane.closing[task.key].seconds.append(seconds)
        else:
            self._conclude(lane, task, trace, seconds)

    def _conclude(self, lane: _Lane, task: _Task, trace: Trace, seconds: float) -> None:
        modes = lane.info is None or lane.info.lock_modes
        self._hand_over(lane, task, trace, judge(task.case, trace, self.requirements, modes=modes), seconds)

    def _hand_over(self, lane: _Lane, task: _Task, trace: Trace, verdict: Verdict, seconds: float) -> None:
        result = make_result(
            task.case, lane.target.name, lane.info, trace, verdict, repetition=task.repetition, seconds=seconds
        )
        with self._speaking:
            self.on_result(result)


def run_once(case: Case, target: str, session: Session, requirements: Mapping[str, Requirement]) -> Result:
    """Run one case in a session. Raises TargetError where the target breaks and cannot be started again."""
    cannot = unmet(case, session.info)
    if cannot is not None:
        return make_result(case, target, session.info, Trace(()), cannot)
    (trace,) = session.run([compile_case(case)])
    verdict = judge(case, trace, requirements, modes=session.info.lock_modes)
    return make_result(case, target, session.info, trace, verdict)


def make_result(
    case: Case,
    target: str,
    info: TargetInfo | None,
    trace: Trace,
    verdict: Verdict,
    *,
    repetition: int = 1,
    seconds: float = 0.0,
) -> Result:
    """Put together what is kept of one execution of a case."""
    drawn = "" if verdict.status is Status.PASS or info is None else picture(case, trace, verdict, info)
    return Result(
        target=target,
        case=case.name,
        repetition=repetition,
        verdict=verdict,
        summary=summary(verdict),
        picture=drawn,
        checks=case.checks,
        profile=case.profile,
        source=f"{case.source.file}:{case.source.line}",
        seconds=round(seconds, 6),
        trace=[json.loads(line) for line in trace.lines],
    )


class _Work(NamedTuple):
    case: Case
    program: Program


class _Task(NamedTuple):
    case: Case
    program: Program
    repetition: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the others of its lane."""
        return (self.case.name, self.repetition)


class _Closing(NamedTuple):
    """A closing case, and what the sessions saw at their ends."""

    task: _Task
    traces: list[Trace]
    seconds: list[float]


@dataclass
class _Lane:
    """A target and what is still to be run on it."""

    target: Target
    tasks: Iterator[_Task]
    closing: dict[tuple[str, int], _Closing]
    lock: threading.Lock = field(default_factory=threading.Lock)
    opened: bool = False
    """Whether a session was opened, or is about to be."""
    info: TargetInfo | None = None
    trouble: str | None = None
    """Why the last session ended before its time."""

    @property
    def hopeless(self) -> bool:
        """Whether the target could not be started at all."""
        return self.trouble is not None and self.info is None
