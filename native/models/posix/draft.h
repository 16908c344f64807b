/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_POSIX_DRAFT_H
#define LOCKPROOF_POSIX_DRAFT_H

/*
 * No call that fails changes anything, for one reason: calls work on a draft of
 * the address space, and draft_commit(), which puts it in force, is the last
 * thing that they do.
 */

#include "mm/task.h"

/* The address space as it is, to be changed by a call. */
struct mm *draft_begin(struct task *task);

/* Puts the draft in force; 0. */
long draft_commit(struct task *task);

/* Whether the process may have as many mappings as the draft has. */
bool draft_within_map_count(const struct task *task);

/* Allocates the mappings that the draft has beyond those that there are. */
bool draft_allocate_mappings(const struct task *task);

/* Whether the process may lock what is locked in the draft. */
bool draft_within_memlock(const struct task *task);

/* resize.c: what changes the size or place of mappings, and a stack that grows; man-pages of Linux. */
long resize_mremap(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length);
long resize_mremap_and_stay(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length);
long resize_brk(void *self, unsigned long end);
long resize_touch(void *self, unsigned long address, size_t pages);

#endif
