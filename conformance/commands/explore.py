# SPDX-License-Identifier: Apache-2.0
"""`lockproof explore`: generated cases on a target, and the smallest that does what is not permitted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.commands.interrupt import interruptible
from lockproof.conformance.commands.missing import packed
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.errors import TargetError, UsageError
from lockproof.conformance.exit_codes import INFRASTRUCTURE
from lockproof.conformance.language.loading import load
from lockproof.conformance.running import baselines

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from lockproof.conformance.exploring.search import SearchRequest, SearchResult

__all__ = ["ExploreRequest", "explore"]


_SECONDS = 60.0
_SHOWN = 10  # lines of a kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreRequest:
    """What the user asked for."""

    target: str
    seconds: float | None = None
    """How long at most; None: 60, or as long as `count` takes."""
    count: int | None = None
    """Cases at most."""
    seed: int
    against: str | None = None
    """The target that is to do the same; None: what the standard permits is asked."""
    baselines: tuple[Path, ...] = ()
    """Known deviations, behind which the search goes on."""
    scheduler: str | None = None
    """Address of that of a Dask cluster; None: this machine searches."""

    @property
    def longest(self) -> float:
        """Return how long at most, in seconds."""
        if self.seconds is not None:
            return self.seconds
        return _SECONDS if self.count is None else math.inf


def explore(request: ExploreRequest, progress: Console) -> Printed:
    """Try generated cases; 1 where one differs, 3 where one said nothing, 128 + signal where it was interrupted.

    The case is the text, and what was tried the remark. Raises UsageError, TargetError.
    """
    try:
        from lockproof.conformance.exploring import search  # noqa: PLC0415  an optional extra
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        msg = "explore needs hypothesis; pip install 'lockproof[explore]', or '.[explore]' in a checkout"
        raise UsageError(msg) from error
    asked = search.SearchRequest(
        request.target,
        request.longest,
        request.seed,
        most=request.count,
        against=request.against,
        baselines=baselines.load(request.baselines, load()) if request.baselines else (),
    )
    with interruptible() as interrupt:
        try:
            found, seed = _search(asked, request.scheduler, progress, interrupt.stop)
        except TargetError:
            if not interrupt.signal:
                raise
            return Printed("", 128 + interrupt.signal, "interrupted before the target was there")
    text = f"# on {request.target}, seed {seed}: {found.what}\n{found.yaml}" if found.yaml else ""
    code = 128 + interrupt.signal if interrupt.signal else 1 if found.yaml else INFRASTRUCTURE * bool(found.unresolved)
    return Printed(text, code, _tried(found, request.seed))


def _search(
    asked: SearchRequest, scheduler: str | None, progress: Console, stop: threading.Event
) -> tuple[SearchResult, int]:
    """Search here or on a cluster; what was found, and the seed that finds it. Raises UsageError, TargetError."""
    if scheduler is None:
        from lockproof.conformance.exploring import search  # noqa: PLC0415  an optional extra

        return search.explore(asked, progress, stop), asked.seed
    targets = packed(filter(None, (asked.target, asked.against)))
    from lockproof.conformance.exploring import cluster  # noqa: PLC0415  an optional extra

    return cluster.explore(asked, targets, scheduler, stop)


def _tried(found: SearchResult, seed: int) -> str:
    end = "a difference" if found.yaml else "no difference"
    if found.allocating_less:
        end += f"; in {found.allocating_less} the target made do without an allocation that fails in the other"
    rate = found.count / found.seconds
    tried = f"{found.count} cases in {found.seconds:.1f} s ({rate:.0f} each second), seed {seed}"
    return "\n".join(
        [
            f"{tried}{', interrupted' * found.interrupted}: {end}",
            *(f"known, so passed over: {count} of {kind}" for kind, count in _most(found.known)),
            *(f"cases not tried: {count}; {why}" for why, count in _most(found.untested)),
            *(f"cases of which nothing was found out: {count}; {why}" for why, count in _most(found.unresolved)),
        ]
    )


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
