# SPDX-License-Identifier: Apache-2.0
"""`lockproof prove --scheduler`: slices of address spaces on the workers of a Dask cluster (lockproof[cluster]).

A worker that is lost loses the slices that it had under way, and the scheduler gives them to another; the client takes
each slice once, in their order, so that nothing is counted twice and nothing is left out.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from lockproof.conformance.cluster.connection import connected, lost
from lockproof.runners.models import exhaustive

if TYPE_CHECKING:
    from lockproof.conformance.proving.request import Todo
    from lockproof.runners.models.exhaustive import Part

__all__ = ["explore"]

_LOOK = 0.2  # seconds between two looks whether to stop
_FINER = 8
"""Slices are so many times smaller than on one machine: workers share them."""


def _slice(model: str, first: int, past: int, pages: int) -> Part:
    """Explore one slice, on a worker; a task of Dask has one core."""
    return exhaustive.explore(model, first, past, pages=pages, threads=1)


def _finer(todo: list[tuple[int, int]]) -> list[tuple[int, int]]:
    for_each = [(first, past, max(1, (past - first) // _FINER)) for first, past in todo]
    return [(at, min(at + size, past)) for first, past, size in for_each for at in range(first, past, size)]


def explore(todo: Todo) -> None:
    """Explore on a cluster, until it is done or stopped. Raises UsageError, TargetError."""
    request = todo.request
    assert request.scheduler is not None  # noqa: S101  else it is explored here
    with connected(request.scheduler) as client:
        finer = _finer(todo.slices)
        futures = [client.submit(_slice, todo.model, *each, request.pages, pure=False) for each in finer]
        states = 0
        for future in futures:
            while not todo.stop.is_set():
                try:
                    part = future.result(timeout=_LOOK)
                    break
                except TimeoutError:
                    pass  # it is not done yet
                except (OSError, CancelledError) as error:
                    raise lost(request.scheduler) from error
            else:
                client.cancel(futures)
                return
            states += part.states
            todo.keep(part)
            todo.show(part.past, states)
