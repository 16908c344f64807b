# SPDX-License-Identifier: Apache-2.0
"""`lockproof explore --scheduler`: batches of generated cases on the workers of a cluster (lockproof[cluster]).

Each batch has a seed of its own, those that the same search has on one machine, one after another. The first case that
differs ends all of them.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from lockproof.conformance.cluster.connection import connected
from lockproof.conformance.cluster.pool import Lost, pool
from lockproof.conformance.errors import TargetError
from lockproof.conformance.exploring import search
from lockproof.conformance.exploring.search import SearchResult

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from lockproof.conformance.exploring.search import SearchRequest
    from lockproof.runners.parcel import Packed
    from lockproof.runners.target import Target

__all__ = ["explore", "explore_batch"]


def explore_batch(
    request: SearchRequest, targets: Mapping[str, Target], stop: threading.Event
) -> tuple[SearchResult, int]:
    """Try a batch on the machine of a worker; what it came to, and its seed. Raises UsageError, TargetError."""
    return search.explore(request, Console(quiet=True), stop, targets.__getitem__), request.seed


def explore(
    request: SearchRequest, targets: Sequence[Packed], address: str, stop: threading.Event
) -> tuple[SearchResult, int]:
    """Try generated cases on a cluster until one differs; what it came to, and the seed of the case that differs.

    `stop`, set, ends it early. Raises UsageError without Dask, TargetError.
    """
    began = time.monotonic()
    total, seed = SearchResult(0, 0.0), request.seed
    with connected(address) as client, pool(client, address, [targets], stop, ahead=1) as workers:
        for _, found in workers.results(explore_batch, [_batches(request, began)]):
            if isinstance(found, Lost):
                raise TargetError(found.why)
            assert isinstance(found, tuple)  # noqa: S101  what explore_batch returns
            total = _sum(total, found[0])
            if total.yaml:
                seed = found[1]
                break
    return replace(total, seconds=time.monotonic() - began, interrupted=stop.is_set()), seed


def _batches(request: SearchRequest, began: float) -> Iterator[SearchRequest]:
    """Yield one batch after another, each with the time that is left, until there is none."""
    for batch in search.divided(request):
        left = request.seconds - (time.monotonic() - began)
        if left <= 0:
            return
        yield replace(batch, seconds=left)


def _sum(one: SearchResult, other: SearchResult) -> SearchResult:
    return SearchResult(
        one.count + other.count,
        0.0,
        one.allocating_less + other.allocating_less,
        Counter(one.known) + Counter(other.known),
        Counter(one.untested) + Counter(other.untested),
        Counter(one.unresolved) + Counter(other.unresolved),
        yaml=one.yaml or other.yaml,
        what=one.what or other.what,
    )
