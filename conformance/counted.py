# SPDX-License-Identifier: Apache-2.0
"""Numbers with their nouns."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write how many there are of something: `1 case`, `2 cases`; `plural`: where it is not the noun and an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
