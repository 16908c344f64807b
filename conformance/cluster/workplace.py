# SPDX-License-Identifier: Apache-2.0
"""What a worker of a cluster has of a run: the targets that it can start, and when to stop.

A worker offers a resource of Dask for each need of the run that it can meet; a job asks for the resource of its need.
A worker that finds out later that it cannot meet one takes the resource back, and Dask takes the job elsewhere. A job
that the scheduler gives up, because the client has said so or is gone, is told to stop.
"""

from __future__ import annotations

import asyncio
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from distributed import Reschedule, get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from lockproof.conformance.errors import LockproofError
from lockproof.runners.parcel import keep, unpack_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from distributed import Worker

    from lockproof.runners.parcel import Parcel
    from lockproof.runners.target import Target

__all__ = ["Work", "Workplace", "at_work"]


class Work(Protocol):
    """What a job is: a function of a module."""

    def __call__(self, argument: Any, targets: Mapping[str, Target], stop: threading.Event, /) -> Any:  # noqa: ANN401
        """Do it, and return what was found. Raises LockproofError where this machine cannot do it."""


class Workplace(WorkerPlugin):
    """A run, on one worker."""

    def __init__(self, name: str, needs: Sequence[Sequence[Parcel]]) -> None:
        """Say what targets each kind of job needs; the version is the client's."""
        self.name = name
        self._needs = needs
        self._version = version("lockproof")
        self._refused: dict[int, str] = {}
        self._stops: dict[Any, threading.Event] = {}

    def resource(self, need: int) -> str:
        """Return the name of the resource that meets a need."""
        return f"{self.name}-{need}"

    async def setup(self, worker: Worker) -> None:
        """Find out what this machine can start, say why it cannot start the others, and offer the rest."""
        self._refused = await asyncio.to_thread(self._missing)
        await self._explain(worker)
        able = [need for need in range(len(self._needs)) if need not in self._refused]
        await worker.set_resources(**{self.resource(need): worker.state.nthreads for need in able})

    def _missing(self) -> dict[int, str]:
        if (here := version("lockproof")) != self._version:
            why = f"it has lockproof {here}, and this is {self._version}"
            return dict.fromkeys(range(len(self._needs)), why)
        found = {}
        for need, parcels in enumerate(self._needs):
            try:
                for parcel in parcels:
                    unpack_target(parcel)
            except LockproofError as error:
                found[need] = str(error)
        return found

    async def _explain(self, worker: Worker) -> None:
        said = {f"{need}": why for need, why in self._refused.items()}
        await worker.scheduler.set_metadata(keys=[self.name, worker.contact_address], value=said)

    def transition(self, key: Any, start: str, finish: str, **_: object) -> None:  # noqa: ANN401  any key
        """Take note of a job that begins, and tell one to stop that the scheduler has given up."""
        if finish == "executing":
            self._stops[key] = threading.Event()
        elif start == "executing" and (stop := self._stops.pop(key, None)) is not None:
            stop.set()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002  as Dask calls it
        """Stop everything: the client or the worker comes to its end."""
        for stop in list(self._stops.values()):
            stop.set()

    def do(self, need: int, work: Work, argument: object, files: Mapping[str, bytes]) -> object:
        """Do a job in this thread. Raises Reschedule where this machine cannot."""
        worker = get_worker()
        stop = self._stops.get(worker.get_current_task(), threading.Event())
        if need in self._refused:
            raise Reschedule
        try:
            for digest, content in files.items():
                keep(digest, content)
            return work(argument, {parcel.name: unpack_target(parcel) for parcel in self._needs[need]}, stop)
        except LockproofError as error:
            if not stop.is_set():
                self._refuse(worker, need, str(error))
            raise Reschedule from error

    def _refuse(self, worker: Worker, need: int, why: str) -> None:
        """Take the offer back: from the scheduler alone, so that jobs that are here already do not wait for it."""
        self._refused[need] = why

        async def tell() -> None:
            await self._explain(worker)
            resources = {self.resource(need): 0}
            await worker.scheduler.set_resources(resources=resources, worker=worker.contact_address)

        loop: Any = worker.loop
        asyncio.run_coroutine_threadsafe(tell(), loop.asyncio_loop).result()


def at_work(name: str, need: int, work: Work, argument: object, files: Mapping[str, bytes]) -> object:
    """Do a job on the worker that Dask has chosen; a task of Dask."""
    place: Any = get_worker().plugins[name]
    return place.do(need, work, argument, files)
