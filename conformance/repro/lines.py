# SPDX-License-Identifier: Apache-2.0
"""Lines of C: as few as a reader still takes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WIDTH", "indented", "packed"]

WIDTH = 118
_PARTS = ("for", "while", "if", "||", "enum", "now[", "in[", "at[", "*(", "fork()", "run(n)", '"', ";", "return")
"""What begins a statement that is part of another."""


def packed(text: Iterable[str]) -> list[str]:
    """Put short statements that follow each other on one line, where they have room."""
    lines: list[str] = []
    for line in (line for part in text for line in part.splitlines()):
        fits = bool(lines) and len(lines[-1]) + len(line.lstrip()) < WIDTH
        if fits and _is_plain(lines[-1]) and _is_plain(line) and _depth(lines[-1]) == _depth(line):
            lines[-1] += f" {line.lstrip()}"
        else:
            lines.append(line)
    return lines


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip("\t"))


def _is_plain(line: str) -> bool:
    """Tell a statement that stands for itself."""
    text = line.strip()
    return text.endswith(";") and not text.startswith(_PARTS)


def indented(lines: Iterable[str]) -> list[str]:
    """Return lines, one level further in."""
    return [f"\t{part}" for line in lines for part in line.splitlines()]
