# SPDX-License-Identifier: Apache-2.0
"""Which allocation failed: the function that made it, out of the stack that a fault injection reports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["function", "name"]

# What Linux's fault injection and its allocators add to a stack (lib/fault-inject.c, mm/fail*.c, mm/slub.c,
# mm/page_alloc.c, mm/mempolicy.c, mm/mempool.c; lib/maple_tree.c): the first function that is none made the allocation.
_NOT_THE_CALLER = re.compile(
    r"""
      _*dump_stack\w* | show_stack\w* | (__|dump_)?show_trace\w* | fail_dump | _*should_fail\w* | prepare_alloc_pages
    | kmem_cache_alloc\w* | (__|___)?kv?[mz]alloc\w* | _*krealloc\w* | kv?calloc\w* | __do_kmalloc\w*
    | slab_(pre_|post_)?alloc\w* | _*slab_alloc\w* | allocate_slab | alloc_slab_page | new_slab\w* | get_partial\w*
    | _*alloc_(frozen_)?pages?\w* | _*get_free_pages?\w* | get_zeroed_page\w* | _*folio_alloc\w* | _*vma_alloc_folio\w*
    | alloc_zeroed_user_highpage\w* | vma_alloc_zeroed_movable_folio\w* | mempool_\w+
    | mas_alloc_nodes | mas_node_count\w* | mt_alloc_\w+
    """,
    re.VERBOSE,
)
# Of what compilers make of functions (`.constprop.0`, `.isra.0`, `.part.0`, `.cold`), and of Linux 6.10's code tags.
_SUFFIX = re.compile(r"(\.[a-z]+(\.[0-9]+)?)+$|(_noprof)+$")


def function(stack: Sequence[str]) -> str:
    """Return the function that made the allocation and its caller: `vm_area_dup <- __split_vma`.

    `stack` has the innermost function first. Empty where it names no such function.
    """
    names = [_SUFFIX.sub("", _SUFFIX.sub("", frame)) for frame in stack]
    first = next((index for index, frame in enumerate(names) if not _NOT_THE_CALLER.fullmatch(frame)), len(names))
    return " <- ".join(names[first : first + 2])


def name(number: int, stack: Sequence[str], *, persistent: bool, allocation: str = "allocation") -> str:
    """Name what failed in an execution of a sweep: `allocation 4 (vm_area_dup <- __split_vma)`.

    `allocation`: what was counted, such as a `slab allocation`.
    """
    maker = function(stack)
    return f"{allocation} {number}{f' ({maker})' if maker else ''}{' and all later ones' if persistent else ''}"
