# SPDX-License-Identifier: Apache-2.0
"""What a command ends with."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Printed"]


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command says at its end, and its exit code (README)."""

    text: str
    """For standard output; empty: nothing."""
    code: int = 0
    remark: str = ""
    """For standard error, after the text: what is no part of the result."""
