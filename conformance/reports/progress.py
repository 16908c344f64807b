# SPDX-License-Identifier: Apache-2.0
"""The bar of a long search: how far it is, how fast, and how long it still takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["search_progress"]


def search_progress(out: Console) -> Progress:
    """Make a bar that is there while its context lasts, on a terminal; each task has a field `rate`, a text."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=out,
        disable=not out.is_terminal,
        transient=True,
    )
