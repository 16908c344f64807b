# SPDX-License-Identifier: Apache-2.0
"""Runs cases on targets: streaming, in parallel, resumable.

Each target has a lane, the queue of what is still to be run on it. Workers open a session of their own on a lane's
target, take from its queue, judge each trace as it comes, and tell the result. Whatever no worker could run is
UNRESOLVED.

Closing cases are not in the queue. Each session runs them when the queue is empty, on what all other cases left there,
and they are judged when all sessions have ended, over what all of them saw.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import TargetError
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.protocol.program import DEFAULT_TIME_LIMIT, Program, compile_case
from lockproof.conformance.protocol.trace import Trace, lost, merged
from lockproof.conformance.running.events import Event, Listener, TargetEnded, TargetStarted
from lockproof.conformance.running.results import Key, Result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from lockproof.conformance.judging.verdict import Verdict
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.requirements import Requirement
    from lockproof.runners.target import Session, Target, TargetInfo

__all__ = ["Engine", "result_of", "run_once"]

_LOOK = 0.1  # seconds between two looks whether to stop
_PATIENCE = 0.4  # seconds that what is under way may still take then
_REMEMBERED = 4
"""Executions of a trace that is kept to be compared with the next one of its case; sweeps have hundreds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What is to be run, and who listens."""

    cases: Sequence[Case]
    requirements: Mapping[str, Requirement]
    listeners: Sequence[Listener]
    """Told of each event as it comes, never by two threads at once. What one raises ends the run."""
    repeat: int = 1
    """How often each case is run on each target."""
    jobs: int = 1
    """Sessions at a time, of all targets together."""
    time_limit: float = DEFAULT_TIME_LIMIT
    """Seconds for each execution."""
    done: Collection[Key] = ()
    """What an earlier run has done already."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set, it lets nothing new begin; what is under way ends in order where it does so soon, else it is given up."""
    _telling: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, targets: Sequence[Target]) -> None:
        """Run everything; returns when all was told, or early where `stop` was set.

        Raises what a listener raised.
        """
        work = [_Work(case, compile_case(case, self.time_limit)) for case in self.cases]
        lanes = [self._lane(target, work) for target in targets]
        workers: dict[Future[None], _Lane] = {}
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="session") as pool:
            try:
                for lane in lanes * self.jobs:
                    workers[pool.submit(self._worker, lane)] = lane
                self._wait(workers)
            except BaseException:
                self.stop.set()
                for _ in self._ended(workers):
                    pass
                raise

    def _ended(self, workers: Mapping[Future[None], _Lane]) -> Iterator[Future[None]]:
        """Yield workers as they end. Where `stop` is set, those that do not do so soon give up what they wait for."""
        waiting, stopped = set(workers), None
        while waiting:
            ended, waiting = wait(waiting, _LOOK, return_when="FIRST_COMPLETED")
            yield from ended
            if self.stop.is_set():
                stopped = stopped or time.monotonic()
                if time.monotonic() - stopped > _PATIENCE:
                    for lane in workers.values():
                        lane.give_up()

    def _wait(self, workers: Mapping[Future[None], _Lane]) -> None:
        """End each lane when its last worker has ended; raises the first exception at once."""
        left = Counter(lane.target.name for lane in workers.values())
        for worker in self._ended(workers):
            worker.result()
            lane = workers[worker]
            left[lane.target.name] -= 1
            if not left[lane.target.name]:
                self._end(lane)

    def _end(self, lane: _Lane) -> None:
        """Say of what no session got to that it is not known, and judge the closing cases."""
        while lane.trouble is not None and (task := self._take(lane)) is not None:
            self._conclude(lane, task, lost(lane.trouble), 0.0)
        self._close(lane)
        self._tell(TargetEnded(lane.target.name, lane.trouble))

    def _close(self, lane: _Lane) -> None:
        """Judge what the sessions of a target saw at their ends; a session that saw nothing is a doubt."""
        for task, traces, seconds in lane.closing.values():
            if self.stop.is_set():
                return
            cannot = lane.unmet(task.case)
            if cannot is not None:
                self._tell_result(lane, task, Trace(()), cannot, 0.0)
            else:
                ended_early = [lost(lane.trouble)] if lane.trouble is not None else []
                self._conclude(lane, task, merged([*traces, *ended_early]), sum(seconds))

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

    def _take(self, lane: _Lane) -> _Task | None:
        with lane.lock:
            return None if self.stop.is_set() else next(lane.tasks, None)

    def _worker(self, lane: _Lane) -> None:
        """Run tasks of a lane until none is left, and then its closing cases."""
        taken = self._begin(lane)
        if taken is None:
            return
        try:
            with lane.target.session() as session, lane.using(session):
                lane.info = session.info
                self._tell(TargetStarted(lane.target.name, session.info, session.about))
                began = time.monotonic()
                for trace in session.run(self._programs(lane, taken)):
                    ended = time.monotonic()
                    self._receive(lane, taken.popleft(), trace, ended - began)
                    began = ended
        except TargetError as error:
            if self.stop.is_set():
                return  # it may have been given up, and what was under way is for another run
            lane.trouble = f"{lane.target.name}: {error}"
            for task in taken:
                self._receive(lane, task, lost(lane.trouble), 0.0)

    def _begin(self, lane: _Lane) -> deque[_Task] | None:
        """Take the first task, if any is left; None: there is nothing to open a session for."""
        with lane.lock:
            if lane.has_never_started or self.stop.is_set():
                return None
            task = next(lane.tasks, None)
            if task is None and (lane.opened or not lane.closing):
                return None
            lane.opened = True
            return deque([task] if task is not None else [])

    def _programs(self, lane: _Lane, taken: deque[_Task]) -> Iterator[Program]:
        """Return the programs of the task that is taken already, of those still in the lane, and of the closing cases.

        A task that the target cannot run is concluded here, and `taken` holds those whose trace is still to come.
        """
        task = taken.popleft() if taken else None
        while task is not None:
            cannot = lane.unmet(task.case)
            if cannot is not None:
                self._tell_result(lane, task, Trace(()), cannot, 0.0)
            else:
                taken.append(task)
                yield task.program
            task = self._take(lane)
        for closing in lane.closing.values():
            last = closing.task
            if not self.stop.is_set() and lane.unmet(last.case) is None:
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
        self._tell_result(lane, task, trace, self._verdict(lane, task.case, trace), seconds)

    def _verdict(self, lane: _Lane, case: Case, trace: Trace) -> Verdict:
        """Judge a trace; where the last repetition of the case gave the same one, its verdict is this one's too."""
        last = lane.last.get(case.name)
        if last is not None and last[0] == trace:
            return last[1]
        modes = lane.info is None or lane.info.lock_modes
        verdict = judge(case, trace, self.requirements, modes=modes)
        if self.repeat > 1 and len(trace.executions) <= _REMEMBERED:
            lane.last[case.name] = trace, verdict
        return verdict

    def _tell_result(self, lane: _Lane, task: _Task, trace: Trace, verdict: Verdict, seconds: float) -> None:
        self._tell(result_of(task.case, lane.target.name, trace, verdict, task.repetition, seconds))

    def _tell(self, event: Event) -> None:
        with self._telling:
            for listener in self.listeners:
                listener(event)


def run_once(case: Case, target: str, session: Session, requirements: Mapping[str, Requirement]) -> Result:
    """Run one case in a session. Raises TargetError where the target breaks and cannot be started again."""
    cannot = unmet(case, session.info)
    if cannot is not None:
        return result_of(case, target, Trace(()), cannot)
    (trace,) = session.run([compile_case(case)])
    return result_of(case, target, trace, judge(case, trace, requirements, modes=session.info.lock_modes))


def result_of(
    case: Case, target: str, trace: Trace, verdict: Verdict, repetition: int = 1, seconds: float = 0.0
) -> Result:
    """Return what became of a case as a result."""
    return Result(
        target=target,
        case=case.name,
        repetition=repetition,
        verdict=verdict,
        checks=case.checks,
        profile=case.profile,
        source=f"{case.source.file}:{case.source.line}",
        seconds=round(seconds, 6),
        trace=trace.lines,
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
    last: dict[str, tuple[Trace, Verdict]] = field(default_factory=dict)
    """What the last repetition of a case gave, by its name."""
    _unmet: dict[str, Verdict | None] = field(default_factory=dict)
    _in_use: list[Session] = field(default_factory=list)

    @contextmanager
    def using(self, session: Session) -> Iterator[None]:
        """Know of a session while it is used."""
        with self.lock:
            self._in_use.append(session)
        try:
            yield
        finally:
            with self.lock:
                self._in_use.remove(session)

    def give_up(self) -> None:
        """Give up what the sessions of the target wait for."""
        with self.lock:
            for session in self._in_use:
                session.give_up()

    @property
    def has_never_started(self) -> bool:
        """Whether the target could not be started at all."""
        return self.trouble is not None and self.info is None

    def unmet(self, case: Case) -> Verdict | None:
        """Return the verdict of a case that the target cannot run, asked once for all repetitions; None: it can."""
        if self.info is None:
            return None
        if case.name not in self._unmet:
            self._unmet[case.name] = unmet(case, self.info)
        return self._unmet[case.name]
