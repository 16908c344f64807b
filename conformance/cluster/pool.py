# SPDX-License-Identifier: Apache-2.0
"""Jobs on the workers of a cluster, and what they found, as it comes.

Which worker does a job, and that another does it where the first one dies, is Dask's. A few jobs for each thread are
out at a time; so are the files of the targets that these need.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from lockproof.conformance.cluster.connection import lost

if TYPE_CHECKING:
    import threading
    from collections.abc import Coroutine, Iterable, Iterator, Sequence
    from concurrent.futures import Future as Answer

    from distributed import Client, Future

    from lockproof.conformance.cluster.workplace import Work, Workplace
    from lockproof.runners.parcel import Packed

__all__ = ["Job", "Lost", "Pool", "pool"]

_LOOK = 0.1  # seconds between two looks whether to stop
_ASKED = 1.0  # seconds between two questions who is there
_PATIENCE = 15.0  # seconds that a worker may take to come back: a nanny takes three
_RETRIES = 2
"""Of a job that fails for a reason that nobody expected."""
_AHEAD = 2
"""Jobs that are out for each thread, so that none waits for the client."""
_FETCHED = 15.0  # seconds that a result may take to come from its worker
_GOODBYE = 2.0  # seconds


class Job(NamedTuple):
    """Something for one worker to do."""

    need: int
    """Which targets it takes."""
    argument: Any


class Lost(NamedTuple):
    """What no worker could find out."""

    why: str


@dataclass
class Pool:
    """The workers of a cluster, as the jobs of one run see them."""

    client: Client
    address: str
    """Of the scheduler."""
    place: Workplace
    needs: Sequence[Sequence[Packed]]
    stop: threading.Event
    ahead: int = _AHEAD
    """Jobs that are out for each thread of the cluster."""
    trouble: str = ""
    """Why a worker could not even be asked what it can do."""
    threads: int = 0
    """Of all workers, when they were last asked."""
    _able: dict[int, set[str]] = field(default_factory=dict)
    """The workers that can meet each need."""
    _met: dict[int, float] = field(default_factory=dict)
    """When somebody could last meet each need; there is none before somebody could."""
    _refusals: dict[str, dict[str, str]] = field(default_factory=dict)
    """By worker, and number of the need."""
    _waiting: dict[int, Iterator[Job]] = field(default_factory=dict)
    _out: dict[Future[Any], Job] = field(default_factory=dict)
    _files: dict[str, Future[Any]] = field(default_factory=dict)
    _came: SimpleQueue[Future[Any]] = field(default_factory=SimpleQueue)

    def results(self, work: Work, arguments: Iterable[Iterable[object]]) -> Iterator[tuple[Job, object]]:
        """Do a job for each argument of each need, and yield each once with what was found, or Lost.

        Arguments are taken when there is somebody for them. Ends early where `stop` is set. Raises TargetError where
        the scheduler is gone.
        """
        for need, each in enumerate(arguments):
            self._waiting[need] = map(partial(Job, need), each)
        question: Answer[Any] | None = None
        asked = time.monotonic()
        while (self._waiting or self._out) and not self.stop.is_set():
            yield from self._given_up()
            self._submit(work)
            with suppress(Empty):
                future = self._came.get(timeout=_LOOK)
                if future in self._out:  # it was not taken back
                    try:
                        found = self._found(future)
                    except TimeoutError:
                        self._take_back(self._out[future].need, [future])
                        continue
                    job = self._out.pop(future)
                    yield job, found
                    self._forget(job.need)
            if question is None and time.monotonic() - asked > _ASKED:
                question = self._ask()
            elif question is not None and question.done():
                self._learn(question)
                question, asked = None, time.monotonic()
            if self.client.status != "running":
                raise lost(self.address)

    def look(self) -> None:
        """Learn who is there. Raises TargetError where the scheduler is gone."""
        self._learn(self._ask())

    def close(self) -> None:
        """Let nothing go on, on any worker."""
        if self.client.status != "running":
            return
        self.client.cancel([*self._out, *self._files.values()])
        self._out.clear()
        with suppress(OSError, TimeoutError):
            self._call(self._scheduler.unregister_worker_plugin(name=self.place.name)).result(_GOODBYE)

    def _ask(self) -> Answer[Any]:
        async def ask() -> tuple[Any, Any]:
            told = await self._scheduler.get_metadata(keys=[self.place.name], default={})
            return await self._scheduler.identity(), told

        return self._call(ask())

    @property
    def _scheduler(self) -> Any:  # noqa: ANN401  its methods are what the scheduler answers to
        return self.client.scheduler

    def _call(self, question: Coroutine[Any, Any, Any]) -> Answer[Any]:
        """Ask without waiting, unlike the client's own functions: Ctrl-C is obeyed also where nobody answers."""
        loop: Any = self.client.loop
        return asyncio.run_coroutine_threadsafe(question, loop.asyncio_loop)

    def _learn(self, question: Answer[Any]) -> None:
        try:
            identity, self._refusals = question.result(_PATIENCE)
        except (OSError, TimeoutError) as error:
            raise lost(self.address) from error
        workers = identity["workers"]
        self.threads = sum(worker["nthreads"] for worker in workers.values())
        for need in range(len(self.needs)):
            resource = self.place.resource(need)
            able = {address for address, worker in workers.items() if worker["resources"].get(resource)}
            before = self._able.get(need, set())
            if able:
                self._met[need] = time.monotonic()
            # For a moment nobody was there who could: Dask does not look at such jobs again for a worker that says only
            # later what it can do.
            if before and not before & able:
                self._take_back(need, [future for future, job in self._out.items() if job.need == need])
            self._able[need] = able

    def _take_back(self, need: int, futures: list[Future[Any]]) -> None:
        """Let somebody else do jobs for a need that are out."""
        jobs = [self._out.pop(future) for future in futures]
        if jobs:
            self._waiting[need] = chain(jobs, self._waiting.get(need, ()))
        self.client.cancel(futures)

    def _given_up(self) -> Iterator[tuple[Job, Lost]]:
        """Yield the jobs that nobody can do, or has come back to do."""
        for need in list(self._waiting):
            is_met = self._able[need] or time.monotonic() - self._met.get(need, 0) < _PATIENCE
            if not is_met:
                why = Lost(self._why(need))
                for job in self._waiting.pop(need):
                    yield job, why

    def _why(self, need: int) -> str:
        """Say why no worker meets a need."""
        said = {address: why[str(need)] for address, why in self._refusals.items() if str(need) in why}
        reasons = [f"{address}: {why}" for address, why in sorted(said.items())]
        reasons += [self.trouble] if self.trouble else []
        names = " and ".join(packed.name for packed in self.needs[need])
        why = "; ".join(reasons) or "the last one that could is gone"
        return f"{names}: no worker of {self.address} can run it: {why}"

    def _submit(self, work: Work) -> None:
        """Let as many jobs out as the workers take."""
        from lockproof.conformance.cluster.workplace import at_work  # noqa: PLC0415  an optional extra

        for need, waiting in list(self._waiting.items()):
            while self._able[need] and len(self._out) < self.ahead * max(self.threads, 1):
                job = next(waiting, None)
                if job is None:
                    del self._waiting[need]
                    break
                future = self.client.submit(
                    at_work,
                    self.place.name,
                    need,
                    work,
                    job.argument,
                    self._sent(need),
                    key=f"{self.place.name}-{need}-{uuid.uuid4().hex}",
                    resources={self.place.resource(need): 1},
                    retries=_RETRIES,
                    pure=False,
                )
                self._out[future] = job
                future.add_done_callback(self._came.put)

    def _sent(self, need: int) -> dict[str, Future[Any]]:
        """Return the files of a need, which each worker gets once: from another one that has them, or from here."""
        paths = {digest: path for packed in self.needs[need] for digest, path in packed.paths.items()}
        for digest, path in paths.items():
            if digest not in self._files:
                key = f"lockproof-file-{digest}"
                self._files[digest] = self.client.submit(bytes, path.read_bytes(), key=key, retries=_RETRIES)
        return {digest: self._files[digest] for digest in paths}

    def _forget(self, need: int) -> None:
        """Let the workers forget the files of a need for which nothing is left to do."""
        if need not in self._waiting and all(job.need != need for job in self._out.values()):
            for packed in self.needs[need]:
                for digest in packed.paths:
                    self._files.pop(digest, None)

    def _found(self, future: Future[Any]) -> object:
        """Return what a job found. Raises TimeoutError where it is lost with its worker, TargetError where all is."""
        status = future.status  # it may change meanwhile
        if status in {"lost", "pending"}:
            raise TimeoutError
        if status == "finished":
            try:
                # The worker that has it may die meanwhile: then Dask lets another do the job, if there is one.
                return future.result(_FETCHED)
            except TimeoutError:
                raise
            except OSError as error:
                raise lost(self.address) from error
        if status != "error":
            raise lost(self.address)
        failed = future.exception()
        what = " ".join(f"{type(failed).__name__}: {failed}".split())
        return Lost(f"a worker of {self.address} failed: {what:.300}")


@contextmanager
def pool(
    client: Client,
    address: str,
    needs: Sequence[Sequence[Packed]],
    stop: threading.Event,
    *,
    ahead: int = _AHEAD,
) -> Iterator[Pool]:
    """Let the workers find out what they can do of what is needed. Raises TargetError where the scheduler is gone."""
    from lockproof.conformance.cluster.workplace import Workplace  # noqa: PLC0415  an optional extra

    parcels = tuple(tuple(packed.parcel for packed in need) for need in needs)
    place = Workplace(f"lockproof-{uuid.uuid4().hex[:12]}", parcels)
    made = Pool(client, address, place, needs, stop, ahead)
    try:
        try:
            client.register_plugin(place, name=place.name)
        except OSError as error:
            raise lost(address) from error
        except Exception as error:  # noqa: BLE001  whatever a worker has that has no lockproof, or another one
            made.trouble = " ".join(f"a worker cannot load lockproof ({type(error).__name__}: {error})".split())
        made.look()
        yield made
    finally:
        made.close()
