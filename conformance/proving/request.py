# SPDX-License-Identifier: Apache-2.0
"""What `lockproof prove` is to explore, here or on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ProofRequest"]


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
