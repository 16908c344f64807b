# SPDX-License-Identifier: Apache-2.0
"""Text whose control characters do nothing to a terminal: what lockproof prints may quote any program or kernel."""

from __future__ import annotations

__all__ = ["CONTROLS", "visible"]

# C0 but tabulator and line feed, DEL and C1 (ECMA-48), and what turns the direction of text around (UAX #9).
CONTROLS = frozenset(
    {*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
) - {0x9, 0xA}
"""Code points that could control a terminal."""
_VISIBLE = {code: ascii(chr(code))[1:-1] for code in CONTROLS}


def visible(text: str) -> str:
    r"""Return a text whose control characters are written as in Python, such as \x1b."""
    return text.translate(_VISIBLE)
