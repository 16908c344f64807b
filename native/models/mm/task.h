/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MM_TASK_H
#define LOCKPROOF_MM_TASK_H

/*
 * The simulated process that a model's calls are made in: its memory, limits
 * and privilege, how they are set up, and what is seen of them. The rules of
 * the calls are the model's.
 */

#include "mm/mm.h"
#include "program/pages.h"

enum {
	PAGE_SHIFT = 12,
	PAGE_BYTES = 1 << PAGE_SHIFT,
	MAX_MAP_COUNT = 65530, /* mappings a process may have, as Linux has it by default */
	OWN_PAGES = 12,	       /* text, data and stack, outside the arena */
	REGION_COUNT = 52,     /* one for each letter */
	ARENA_PAGE = 48,       /* where the arena begins; unmapped pages lie before and after it */
};

/* The pages from the one that holds `address` up to the one that holds the byte behind the range. */
static inline struct span span_of(unsigned long address, size_t length)
{
	return (struct span){ address >> PAGE_SHIFT, (address + length) >> PAGE_SHIFT };
}

/* Every page that contains any part of the range; empty where that is, or wraps. */
static inline struct span span_of_any_part(unsigned long address, size_t length)
{
	const struct page_range pages = whole_pages(address, length, PAGE_BYTES);

	return (struct span){ pages.first, pages.first + pages.count };
}

/* A region, and the file behind it where it has one; of System V shared memory the segment that was made last. */
struct memory {
	struct region region;
	int object;
	size_t object_pages;
	bool own; /* the segment was made without privileges */
};

struct mutation;

struct task {
	struct faults faults;
	struct mm *mm;
	struct mm *draft;  /* of the same size, for calls that may fail */
	struct mm *parent; /* the parent's mm while its child runs, or NULL */
	struct memory memory[REGION_COUNT];
	int objects;
	bool privileged;
	const struct vma_rules *rules; /* of a model of Linux, or NULL */
	uint64_t memlock;	       /* RLIMIT_MEMLOCK, bytes */
	uint64_t hard_memlock;
	size_t left; /* pages that can still be allocated, in faults.left while a call is under way */
	size_t parent_left;
	long touch_faults;	   /* page faults of the last touch */
	struct mutation *mutation; /* of a model that has a defect, or NULL */
};

/* A privileged process without limits, in a table that lacks only the calls under test; false: out of memory. */
bool task_open(struct system *system);
void task_close(struct system *system);

/* The mapping that mmap of that region would make. */
struct mapping task_mapping(struct task *task, int region, unsigned long address, size_t pages, size_t object_page);

/* The text, data and stack of a new program: OWN_PAGES in all. */
void task_map_own(struct task *task, struct mm *mm);

/* Parts of the table that a model may build upon. */
long task_reserve(void *self, size_t pages, unsigned long *address);
void task_observe(void *self, unsigned long arena, struct snapshot *snapshot);

/*
 * What Linux keeps free around memory that grows: a page behind a heap, and
 * below a stack more than an arena has (256 pages: stack_guard_gap in
 * Documentation/admin-guide/kernel-parameters.txt), unless what lies there is a
 * stack too, or without access.
 */
bool task_heap_has_room(const struct mm *mm, struct span more, bool guards_stacks);
bool task_stack_has_room(const struct mm *mm, const struct mapping *stack);

/*
 * What madvise(2) does to a part of a mapping, as far as locks and residency go:
 * 0, -EINVAL where that is not for such memory or not for locked memory, or
 * -EFAULT where a page cannot be brought in. Hints are not taken.
 */
long task_advise(struct mm *mm, const struct mapping *mapping, struct span part, int advice);

/* The signal that an access to the page gets: SIGSEGV, behind the end of an object SIGBUS; 0: it succeeds. */
int task_access_signal(const struct task *task, size_t page);

/* Accesses pages one after another: 0, the signal that ends it, or -ENOMEM. */
long task_touch(void *self, unsigned long address, size_t pages);

/* reclaim.c: 0. */
long task_reclaim(void *self);

/* Goes on in a copy of the address space; false: out of memory. The table's leave() goes back. */
bool task_fork(struct task *task);

#endif
