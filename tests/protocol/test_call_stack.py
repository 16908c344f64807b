# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.protocol.call_stack import function, name


@pytest.mark.parametrize(
    ("stack", "asked"),
    [
        # As Linux 6.1 and 6.12 on x86_64 report them.
        ("should_failslab kmem_cache_alloc vm_area_dup __split_vma split_vma", "vm_area_dup <- __split_vma"),
        ("should_failslab kmem_cache_alloc_bulk mas_alloc_nodes mas_node_count_gfp mas_preallocate __vma_adjust",
         "mas_preallocate <- __vma_adjust"),
        ("should_fail_alloc_page __alloc_pages pte_alloc_one __pte_alloc __handle_mm_fault", "pte_alloc_one <- __pte_alloc"),
        ("should_fail_alloc_page __alloc_pages __folio_alloc __handle_mm_fault handle_mm_fault",
         "__handle_mm_fault <- handle_mm_fault"),
        ("dump_stack_lvl should_fail_ex should_failslab __kmalloc_noprof security_file_alloc alloc_file",
         "security_file_alloc <- alloc_file"),
        ("fail_dump should_fail_ex slab_pre_alloc_hook.constprop.0 kmem_cache_alloc_lru shmem_alloc_inode alloc_inode",
         "shmem_alloc_inode <- alloc_inode"),
        ("prepare_alloc_pages.constprop.0 __alloc_frozen_pages_noprof vma_alloc_folio_noprof folio_prealloc do_wp_page",
         "folio_prealloc <- do_wp_page"),
        ("get_zeroed_page_noprof pgd_alloc.isra.0.part.0 mm_init", "pgd_alloc <- mm_init"),
        ("___slab_alloc __slab_alloc.isra.0 vm_area_alloc", "vm_area_alloc"),
        ("should_failslab kmem_cache_alloc", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_who_asked_is_the_first_function_behind_the_allocator(stack: str, asked: str) -> None:
    assert function(tuple(stack.split())) == asked


@pytest.mark.parametrize("own", ["alloc_anon_folio", "anon_vma_clone", "kmemdup_nul", "__page_cache_alloc"])
def test_a_function_that_only_sounds_like_an_allocator_is_who_asked(own: str) -> None:
    assert function(("should_failslab", own, "caller")) == f"{own} <- caller"


def test_an_allocation_is_named_by_its_number_and_by_who_asked() -> None:
    stack = ("should_failslab", "kmem_cache_alloc", "vm_area_dup", "__split_vma")
    assert name(4, stack, persistent=False) == "allocation 4 (vm_area_dup <- __split_vma)"
    assert name(4, stack, persistent=True) == "allocation 4 (vm_area_dup <- __split_vma) and all later ones"
    assert name(4, (), persistent=False) == "allocation 4"
    assert name(4, (), persistent=False, allocation="slab allocation") == "slab allocation 4"
