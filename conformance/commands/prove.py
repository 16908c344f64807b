# SPDX-License-Identifier: Apache-2.0
"""`lockproof prove`: every state of small address spaces on models, and the smallest that breaks each requirement."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.columns import aligned
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.proving import exploration
from lockproof.conformance.proving.counterexample import Counterexample
from lockproof.runners.models.exhaustive import checks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from lockproof.conformance.proving.exploration import Outcome

__all__ = ["ProveRequest", "prove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveRequest:
    """What the user asked for."""

    models: tuple[str, ...]
    """With or without `model:`."""
    pages: int
    """The largest address space."""
    jobs: int | None = None
    """Threads; None: one for each core."""
    results: Path
    resume: bool = False
    scheduler: str | None = None
    """Address of that of a Dask cluster."""


def prove(request: ProveRequest, progress: Console) -> Printed:
    """Explore models; 1 where one breaks a requirement, 128 + SIGINT where it was interrupted.

    Raises UsageError, TargetError, StoreError.
    """
    asked = exploration.Request(
        models=tuple(model.removeprefix("model:") for model in request.models),
        pages=request.pages,
        threads=request.jobs or len(os.sched_getaffinity(0)),
        results=request.results,
        resume=request.resume,
        scheduler=request.scheduler,
    )
    outcomes = exploration.prove(asked, progress)
    blocks = [f"{_report(outcome, request.pages)}\n" for outcome in outcomes]
    if len(request.models) > 1:
        blocks.append(_table(outcomes))
    broken = any(any(outcome.broken()) for outcome in outcomes)
    complete = all(outcome.complete for outcome in outcomes)
    return Printed("\n".join(blocks), int(broken) if complete else 128 + signal.SIGINT)


def _report(outcome: Outcome, pages: int) -> str:
    """Return what was found on one model: counts by requirement, then the smallest counterexample of each."""
    part = outcome.part
    covered = "" if outcome.complete else f", interrupted: {part.past} of {outcome.whole} explored, --resume goes on"
    rate = outcome.fresh / max(outcome.seconds, 1e-3) / 1e6
    spaces = f"model:{outcome.model}, up to {pages} pages: {outcome.whole} address spaces{covered}"
    lines = [
        f"{spaces}, {part.states} states, {outcome.fresh} of them in {outcome.seconds:.1f} s ({rate:.1f} million/s)",
        "",
        f"{'requirement':<32} {'checked':>12} {'broken':>12}  first",
    ]
    broken = {item.check: item for item in outcome.broken()}
    for check, finding in zip(checks(), part.findings, strict=True):
        first = broken[check].short() if check in broken else ""
        lines.append(f"{check.requirement:<32} {finding.checked:>12} {finding.broken:>12}  {first}".rstrip())
    for check, item in broken.items():
        lines += ["", f"# {check.requirement}: {check.about}; first broken by {item.short()}"]
        lines += [f"#{line}" for line in item.picture(outcome.model).splitlines()]
        lines += [item.yaml()]
    return "\n".join(lines)


def _table(outcomes: Sequence[Outcome]) -> str:
    """Return requirement by model: PASS, or FAIL with the smallest counterexample; `-`: nothing to check was met."""
    rows = [["requirement", *(outcome.model for outcome in outcomes)]]
    for number, check in enumerate(checks()):
        cells = []
        for outcome in outcomes:
            finding = outcome.part.findings[number]
            passed = "PASS" if outcome.complete else "none so far"
            fails = f"FAIL {Counterexample(check, finding).short()}" if finding.broken else passed
            cells.append(fails if finding.checked else "-")
        rows.append([check.requirement, *cells])
    return "\n".join(aligned(rows))
