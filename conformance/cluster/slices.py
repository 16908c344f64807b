# SPDX-License-Identifier: Apache-2.0
"""A run on a cluster: the cases of each target in slices, which workers run as `lockproof run` does on one machine.

A worker has an engine, a session of its own and the judge, and sends back what the engine told. Here, on the client,
this is told to those who listen, once. What sessions saw at their ends is judged again, over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockproof.conformance.cluster.pool import Lost, pool
from lockproof.conformance.errors import TargetError
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.protocol.trace import lost, merged
from lockproof.conformance.running.engine import Engine, result_of
from lockproof.conformance.running.events import TargetEnded, TargetStarted
from lockproof.conformance.running.results import Result

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from distributed import Client

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.running.events import Event
    from lockproof.runners.parcel import Packed
    from lockproof.runners.target import Target, TargetInfo

__all__ = ["Slice", "run", "run_slice"]

_FOR_EACH_THREAD = 4
"""Slices, so that a slow worker keeps nobody waiting for long."""
_LEAST, _MOST = 20, 500
"""Executions of a slice: a guest boots for each, and what is under way is lost where a worker dies."""

_Task = tuple["Case", int]


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the cases of a target, and those that each session closes with."""

    target: str
    tasks: tuple[_Task, ...]
    """Cases and repetitions."""
    requirements: Mapping[str, Requirement]
    time_limit: float
    """Seconds for each execution."""


def run_slice(part: Slice, targets: Mapping[str, Target], stop: threading.Event) -> tuple[Event, ...]:
    """Run a slice on the machine of a worker, and return what its engine told; stopped, not all of it.

    Raises TargetError where the target cannot be started here.
    """
    cases = tuple({case.name: case for case, _ in part.tasks}.values())
    wanted = {(case.name, repetition) for case, repetition in part.tasks}
    repeat = max(repetition for _, repetition in part.tasks)
    told: list[Event] = []
    engine = Engine(
        cases=cases,
        requirements=part.requirements,
        listeners=[told.append],
        repeat=repeat,
        time_limit=part.time_limit,
        done={
            (part.target, case.name, repetition)
            for case in cases
            for repetition in range(1, repeat + 1)
            if (case.name, repetition) not in wanted
        },
        stop=stop,
    )
    engine.run([targets[part.target]])
    trouble = next((event.trouble for event in told if isinstance(event, TargetEnded)), None)
    if trouble is not None and not any(isinstance(event, TargetStarted) for event in told):
        raise TargetError(trouble)
    return tuple(told)


def run(client: Client, address: str, engine: Engine, targets: Sequence[Packed]) -> None:
    """Run on a cluster what an engine would run here; returns when all was told, or early where its `stop` was set.

    Raises TargetError where the scheduler is gone, and what a listener raised.
    """
    with pool(client, address, [(packed,) for packed in targets], engine.stop) as workers:
        lanes = [_Lane.of(engine, packed.name) for packed in targets]
        most = max(1, _FOR_EACH_THREAD * workers.threads // len(lanes))
        parts = [list(lane.slices(engine, most)) for lane in lanes]
        left = list(map(len, parts))
        for job, found in workers.results(run_slice, parts):
            lane = lanes[job.need]
            for event in lane.lost(engine, job.argument, found) if isinstance(found, Lost) else lane.received(found):
                _tell(engine, event)
            left[job.need] -= 1
            if not left[job.need]:
                for event in lane.ended(engine):
                    _tell(engine, event)


def _tell(engine: Engine, event: Event) -> None:
    for listener in engine.listeners:
        listener(event)


@dataclass
class _Lane:
    """A target, what is to be run on it, and what its sessions saw at their ends."""

    target: str
    ordinary: list[_Task]
    closing: list[_Task]
    info: TargetInfo | None = None
    trouble: str | None = None
    closed: dict[tuple[str, int], list[Result]] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine, target: str) -> _Lane:
        """Return a lane with what was not done yet."""
        tasks = [
            (case, repetition)
            for repetition in range(1, engine.repeat + 1)
            for case in engine.cases
            if (target, case.name, repetition) not in engine.done
        ]
        return cls(target, [t for t in tasks if not t[0].closing], [t for t in tasks if t[0].closing])

    def slices(self, engine: Engine, most: int) -> Iterator[Slice]:
        """Divide what is to be run, in up to so many parts unless these would be too large; neighbours are parted.

        Cases that take long stand side by side.
        """
        count = len(self.ordinary)
        parts = max(min(most, count // _LEAST), -(-count // _MOST), 1)
        for number in range(parts if self.ordinary or self.closing else 0):
            tasks = (*self.ordinary[number::parts], *self.closing)
            yield Slice(self.target, tasks, engine.requirements, engine.time_limit)

    def received(self, told: object) -> Iterator[Event]:
        """Yield what a worker told but its end, and keep what its session saw there."""
        closing = {(case.name, repetition) for case, repetition in self.closing}
        assert isinstance(told, tuple)  # noqa: S101  what run_slice returns
        for event in told:
            match event:
                case TargetStarted():
                    self.info = event.info
                    yield event
                case TargetEnded():
                    self.trouble = event.trouble or self.trouble
                case Result() if (event.case, event.repetition) in closing:
                    self.closed.setdefault((event.case, event.repetition), []).append(event)
                case _:
                    yield event

    def lost(self, engine: Engine, part: Slice, found: Lost) -> Iterator[Event]:
        """Say of a slice that no worker could run that nothing is known."""
        self.trouble = found.why
        trace = lost(found.why)
        for case, repetition in part.tasks:
            if not case.closing:
                verdict = judge(case, trace, engine.requirements)
                yield result_of(case, self.target, trace, verdict, repetition)

    def ended(self, engine: Engine) -> Iterator[Event]:
        """Judge what the sessions saw at their ends, and end the target."""
        for case, repetition in self.closing:
            results = self.closed.get((case.name, repetition), [])
            traces = [result.evidence(case) for result in results if result.trace]
            if results and not traces:
                yield results[0]  # the target has not got what it takes
                continue
            trace = merged([*traces, *([lost(self.trouble)] if self.trouble else [])])
            modes = self.info is None or self.info.lock_modes
            verdict = judge(case, trace, engine.requirements, modes=modes)
            yield result_of(case, self.target, trace, verdict, repetition, sum(result.seconds for result in results))
        yield TargetEnded(self.target, self.trouble)
