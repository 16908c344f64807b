# SPDX-License-Identifier: Apache-2.0
"""Cases whose swept call needs no memory, so that nothing can be made to fail in it."""

from __future__ import annotations

_NONE = (
    "sweeps/mlockall/munlockall",
    "linux/history/counted-where-not-unmapped[mappings=three",
    "linux/history/unmapped-or-not[mappings=three",
    "grid/mlockall/short-of-slabs-or-pages[fault=slab",
)
"""What these cases sweep splits nothing, and populates nothing, or with pages alone."""
_MAYBE_NONE = (
    "grid/mapping/moves-",
    "grid/mlock/short-of-memory-to-copy",
    "grid/mlock/short-of-memory-and-huge",
    "grid/mlockall/short-of-memory-and-huge",
    "grid/mlockall/short-of-memory-on-fault",
    "grid/mlockall/unlocked",
    "grid/munlock/short-of-memory-and-huge",
)
"""What these sweep moves mappings, or merges them, or finds pages there: for some the model needs no memory."""


def needs_no_memory(name: str) -> bool:
    """Tell whether the swept call of a case makes no such allocation on the model: nothing is split, nothing populated."""
    aligned = name.startswith(("sweeps/munlock/", "sweeps/mlock2/nothing-locked")) and "ends=aligned" in name
    slabs = name.startswith("grid/mlock/short-of-slabs-or-pages[fault=slab") and "locks=modes" in name
    on_fault = name.startswith("grid/limits/counted[flags=on-fault,mappings=one") and (
        "locks=modes" in name or "locks=inside" in name
    )
    merged = name.startswith("grid/munlock/short-of-memory-beside-unlocked") and "ends=whole" in name
    return aligned or slabs or on_fault or merged or name.startswith(_NONE)


def may_need_no_memory(name: str) -> bool:
    """Tell whether it depends on the target, or on the combination, whether the swept call of a case allocates."""
    return name.startswith(_MAYBE_NONE)
