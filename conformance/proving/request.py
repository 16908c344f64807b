# SPDX-License-Identifier: Apache-2.0
"""What `lockproof prove` is to explore, and what of it is left to do, here or on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from lockproof.runners.models.exhaustive import Part

__all__ = ["ProofRequest", "Todo"]


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """What is to be explored."""

    models: tuple[str, ...]
    """Their names, without `model:`."""
    pages: int
    """Of the largest address space."""
    threads: int
    results: Path
    """Folder in which what is known is kept."""
    resume: bool = False
    """Whether to go on from what is kept there."""
    scheduler: str | None = None
    """Address of that of a Dask cluster; None: the cores of this machine."""


@dataclass(frozen=True, slots=True)
class Todo:
    """What is left of one model, and who is told of it."""

    request: ProofRequest
    model: str
    slices: list[tuple[int, int]]
    """Address spaces [first, past), in the order of their numbers."""
    keep: Callable[[Part], None]
    """Is given each part that follows those before."""
    show: Callable[[int, int], None]
    """Is told the spaces and states that are done."""
    stop: threading.Event
    """Set, it lets nothing new begin."""
