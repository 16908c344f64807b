# SPDX-License-Identifier: Apache-2.0
"""`lockproof prove`: every state of small address spaces on models, and the smallest that breaks each requirement."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.columns import aligned
from lockproof.conformance.commands.interrupt import interruptible
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.proving import exploration
from lockproof.conformance.proving.counterexample import Counterexample
from lockproof.conformance.proving.request import ProofRequest
from lockproof.runners.models.exhaustive import checks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from lockproof.conformance.proving.exploration import Proof

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
    """Explore models; 1 where one breaks a requirement, 128 + signal where it was interrupted.

    Raises UsageError, TargetError, StoreError.
    """
    asked = ProofRequest(
        models=tuple(model.removeprefix("model:") for model in request.models),
        pages=request.pages,
        threads=request.jobs or len(os.sched_getaffinity(0)),
        results=request.results,
        resume=request.resume,
        scheduler=request.scheduler,
    )
    with interruptible() as interrupt:
        proofs = exploration.prove(asked, progress, interrupt.stop)
    blocks = [f"{_report(proof, request.pages)}\n" for proof in proofs]
    if len(request.models) > 1:
        blocks.append(_table(proofs))
    broken = any(any(proof.broken()) for proof in proofs)
    return Printed("\n".join(blocks), 128 + interrupt.signal if interrupt.signal else int(broken))


def _report(proof: Proof, pages: int) -> str:
    """Return what was found on one model: counts by requirement, then the smallest counterexample of each."""
    part = proof.part
    covered = "" if proof.complete else f", interrupted: {part.past} of {proof.whole} explored, --resume goes on"
    rate = proof.fresh / max(proof.seconds, 1e-3) / 1e6
    spaces = f"model:{proof.model}, up to {pages} pages: {proof.whole} address spaces{covered}"
    lines = [
        f"{spaces}, {part.states} states, {proof.fresh} of them in {proof.seconds:.1f} s ({rate:.1f} million/s)",
        "",
        f"{'requirement':<32} {'checked':>12} {'broken':>12}  first",
    ]
    broken = {item.check: item for item in proof.broken()}
    for check, count in zip(checks(), part.counts, strict=True):
        first = broken[check].short() if check in broken else ""
        lines.append(f"{check.requirement:<32} {count.checked:>12} {count.broken:>12}  {first}".rstrip())
    for check, item in broken.items():
        lines += ["", f"# {check.requirement}: {check.about}; first broken by {item.short()}"]
        lines += [f"#{line}" for line in item.picture(proof.model).splitlines()]
        lines += [item.yaml()]
    return "\n".join(lines)


def _table(proofs: Sequence[Proof]) -> str:
    """Return requirement by model: PASS, or FAIL with the smallest counterexample; `-`: nothing to check was met."""
    rows = [["requirement", *(proof.model for proof in proofs)]]
    for number, check in enumerate(checks()):
        cells = []
        for proof in proofs:
            count = proof.part.counts[number]
            passed = "PASS" if proof.complete else "none so far"
            fails = f"FAIL {Counterexample(check, count).short()}" if count.broken else passed
            cells.append(fails if count.checked else "-")
        rows.append([check.requirement, *cells])
    return "\n".join(aligned(rows))
