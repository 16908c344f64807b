# SPDX-License-Identifier: Apache-2.0
"""What a command ends with."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Printed", "visible"]

# C0 but tabulator and line feed, DEL and C1 (ECMA-48), and what turns the direction of text around (UAX #9).
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_VISIBLE = {code: ascii(chr(code))[1:-1] for code in _CONTROLS - {0x9, 0xA}}


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command says at its end, and its exit code (README)."""

    text: str
    """For standard output; empty: nothing."""
    code: int = 0
    remark: str = ""
    """For standard error, after the text: what is no part of the result."""


def visible(text: str) -> str:
    r"""Return a text whose control characters are written as in Python, such as \x1b: it may quote any program."""
    return text.translate(_VISIBLE)
