/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MM_VMA_H
#define LOCKPROOF_MM_VMA_H

/*
 * The address space (mm.h) as Linux keeps it: a sorted list of mappings, each
 * called by its number from 0 on, that splits and merges by Linux's rules, and
 * counts what is locked apart from the mappings. Numbers at and behind a
 * mapping change when it is split, merged or removed.
 *
 * Written from what the mail of 2006 shows of 2.6.16's callers, from man-pages,
 * from Documentation/mm/process_addrs.rst and from what kernels were seen to
 * do (lockproof explore --against); the cases of a merge are those that
 * the comment on vma_merge() in every kernel draws: before, behind, and on both sides.
 */

#include "mm/mm.h"

/* Beyond what mm.h knows, mappings that differ in these do not merge. */
enum {
	VMA_ACCOUNT = 1 << 0,	 /* charged against overcommit: private and writable when it was made */
	VMA_CHANGELOCK = 1 << 1, /* of the patch of 2006: the lock has just been changed */
};

enum { VMA_NONE = -1, VMA_NO_MEMORY = -2 };

/*
 * Memory of private mappings that was written to belongs to an anon_vma
 * (`anon`, 0: to none yet), and mappings of different ones never merge.
 * These are the rules for one that has none, and its neighbour that has.
 */
enum vma_anon_rule {
	ANON_EITHER,	    /* 2.6.16: they merge */
	ANON_NEIGHBOUR_HAS, /* up to 6.15: only where the neighbour is the one that has one, and not from a fork */
	ANON_NOT_FORKED,    /* from 6.16: they merge, unless it is from a fork */
};

/* Since mappings are in a maple tree, one that grows may take memory. What becomes of it where there is none? */
enum vma_merge_rule {
	MERGE_TAKES_NOTHING,
	MERGE_LEFT_OUT, /* 6.1: always takes some; they stay as they are, and nobody is told */
	/*
	 * 6.12 and later: takes some where the number of mappings and gaps changes, or one gets its first anon_vma. The
	 * call fails; but mmap makes a mapping of its own.
	 */
	MERGE_FAILS,
};

/* What mremap has looked at before it unmaps what is in its way. */
enum vma_remap_rule {
	REMAP_BLINDLY,	    /* up to 5.15: nothing; what does not grow need not be mapped */
	REMAP_LOOKS_FIRST,  /* whether anything is mapped where the range begins */
	REMAP_CHECKS_FIRST, /* from 6.17: all that it can refuse; and what keeps its size may be several mappings */
};

/* What differs between versions. */
struct vma_rules {
	enum vma_anon_rule anon;
	bool child_has_own_anon; /* a forked child's mappings each get an anon_vma; 2.6.16: they share the parent's */
	bool drops_account;	 /* mprotect takes VMA_ACCOUNT from what becomes read-only and was never written to */
	bool lock_on_fault;	 /* mlock2 and MCL_ONFAULT are known */
	enum vma_merge_rule merge;
	bool behind_lends_first; /* 6.1: a new mapping that fits the one behind has its anon_vma when it asks the one before */
	bool mmap_takes_first;	/* 6.1: memory for the tree, before anything makes room */
	bool on_fault_is_tried; /* 5.10: to lock memory without access on fault fails as locking it eagerly does */
	bool counts_once;	/* RLIMIT_MEMLOCK: what is locked already is not counted again */
	bool skips_special;	/* hugetlb memory never has the flag */
	bool guards_stacks;	/* a gap is kept between a stack and what lies below it */
	bool brk_finds_heap;	/* a heap of which nothing is mapped does not shrink */
	bool growth_merges;	/* what mremap makes longer merges with what it reaches */
	enum vma_remap_rule remap;
	bool stay_unlocks_all; /* MREMAP_DONTUNMAP takes the lock from all of the old mapping; not in 6.1.192, 6.12.118, 7.2 */
	bool stay_counts_twice; /* and 6.18 counts what has moved once more */
	bool remap_wants_room;	/* from 7.1: room for the mappings that a move may make, in place too */
};

/* The first mapping that ends behind the page; mm->count: there is none. */
int vma_find(const struct mm *mm, size_t page);

/* In two at the page, which lies inside: `vma` and the next. 0, -ENOMEM, or -EINVAL inside a huge page of a pool. */
long vma_split(struct mm *mm, int vma, size_t page);

/*
 * Merges the pages of `wanted`, with what it says of them, into the mapping
 * before them or behind them or both. `prev` is the mapping before or around
 * their start, as the caller knows it; VMA_NONE: the search begins at the first
 * mapping of all. Gives the mapping, VMA_NONE where nothing merges, or VMA_NO_MEMORY.
 */
int vma_merge(struct mm *mm, int prev, const struct mapping *wanted);

/* The same of a new mapping; `replaces`: until now something was there. */
int vma_merge_new(struct mm *mm, const struct mapping *wanted, bool replaces);

/* Gives the part [start, end) of a mapping other attributes: merged if possible, else split. The mapping or -errno. */
int vma_modify(struct mm *mm, int prev, int vma, const struct mapping *wanted);

/* Whether a mapping and the next could be one. */
bool vma_is_split(const struct mm *mm, int vma);

/* The part of a mapping, to be changed and given to the two above. */
struct mapping vma_part(const struct mm *mm, int vma, struct span span);

/* A mapping that is about to be written to gets an anon_vma, its neighbour's if it can; false: there is no memory. */
bool vma_prepare_anon(struct mm *mm, int vma);

/*
 * A page fault: 0, -EFAULT, -ENOMEM. Writes where the mapping is private and writable.
 *
 * It takes page tables where nothing was faulted in yet (for all of the arena,
 * as it is far from other memory, and until nothing is mapped there any more),
 * an anon_vma where the mapping needs one, and a page. A private mapping borrows
 * what is only read: the page of zeroes, which takes no memory, or the file's.
 * Its first write takes a page then.
 */
long vma_fault(struct mm *mm, int vma, size_t page);

/* Faults in a part of a mapping: pages that are there then, or where that is none, -errno (get_user_pages). */
long vma_populate(struct mm *mm, int vma, struct span span);

/* Whether memory was taken for the page. */
bool vma_page_is_charged(const struct page *page);

/* Unmaps, and counts what was locked there no longer. 0, -ENOMEM or -EINVAL, as a split. */
long vma_unmap(struct mm *mm, struct span span);

#endif
