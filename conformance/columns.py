# SPDX-License-Identifier: Apache-2.0
"""Tables as text: columns as wide as their widest cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["aligned"]

_GAP = "  "


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a line for each row, its cells below those of the others, without blanks at its end."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [_GAP.join(map(str.ljust, row, widths)).rstrip() for row in table]
