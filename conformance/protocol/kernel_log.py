# SPDX-License-Identifier: Apache-2.0
"""What a kernel says when it finds itself broken: recognised in its log, and named from its taint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockproof.conformance.protocol.trace import Change

__all__ = ["excerpt", "first_splat", "new_taint"]

# A failing allocation and the OOM killer also write to the log, and are no trouble: cases provoke them.
_SPLAT = re.compile(
    r"""
      Kernel\ panic | kernel\ BUG\ at | \bBUG[:\ ]\S* | \bOops\b | Internal\ error: | \bWARNING: | \bUBSAN: | \bKASAN:
    | general\ protection\ fault | divide\ error | invalid\ opcode | stack\ segment: | double\ fault
    | [Uu]nable\ to\ handle\ kernel | [Kk]ernel\ access\ of\ bad\ area | kernel\ tried\ to\ execute
    | INFO:\ (task\ .*\ blocked|possible\ |rcu|lockdep|inconsistent|suspicious|trying)
    | (soft|hard)\ (lockup|LOCKUP) | detected\ stalls? | self-detected\ stall
    | DEBUG_LOCKS_WARN_ON | (list_add|list_del)\ corruption | refcount_t:\ | unreferenced\ object
    | ------------\[\ cut\ here\ \]------------
    """,
    re.VERBOSE,
)
_CUT = "cut here"
_SHOWN = 40

# Documentation/admin-guide/tainted-kernels.rst
_TAINTS = (
    "proprietary module", "module loaded by force", "kernel out of specification", "module unloaded by force",
    "machine check", "bad page", "taint asked for by a user", "kernel died", "ACPI table overridden", "kernel warned",
    "staging driver", "firmware bug worked around", "module from outside the tree", "unsigned module", "soft lockup",
    "live patch", "auxiliary", "struct randomisation", "in-kernel test",
)  # fmt: skip


def first_splat(log: Sequence[str]) -> str | None:
    """Return the line of a log that says what is broken, or None where none does."""
    return next((line.strip() for line in log if _SPLAT.search(line) and _CUT not in line), None)


def excerpt(log: Sequence[str]) -> list[str]:
    """Return the lines of a log that belong to its first splat, or its last lines where it has none; not too many."""
    start = next((number for number, line in enumerate(log) if _SPLAT.search(line)), None)
    if start is None:
        return [*([f"… {len(log) - _SHOWN} lines before"] if len(log) > _SHOWN else []), *log[-_SHOWN:]]
    shown = list(log[start : start + _SHOWN])
    more = len(log) - start - len(shown)
    return [*shown, *([f"… {more} more lines"] if more else [])]


def new_taint(change: Change | None) -> str:
    """Name what a kernel has against itself since: `kernel warned`; empty where nothing is new."""
    before, after = change or (0, 0)
    bits = after & ~before
    names = [_taint(bit) for bit in range(bits.bit_length()) if bits & 1 << bit]
    return ", ".join(names)


def _taint(bit: int) -> str:
    return _TAINTS[bit] if bit < len(_TAINTS) else f"bit {bit}"
