/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_LINUX_LINUX_H
#define LOCKPROOF_LINUX_LINUX_H

/*
 * What the models of Linux have in common: every call but those that lock.
 * They work on the address space itself, as the kernel does, so that what a
 * call has done before it fails stays done.
 */

#include "mm/task.h"
#include "mm/vma.h"

/* Makes the calls of a task (task.h) those of Linux 2.6.16, of the patch of 2006, and of today. */
void linux_2_6_16_calls(struct system *system);
void posixmlock_calls(struct system *system);
void linux_7_1_calls(struct system *system);
void linux_6_calls(struct system *system);
void linux_6_12_calls(struct system *system);
void linux_6_1_calls(struct system *system);
void linux_5_10_calls(struct system *system);

/* All calls but mlock, mlock2, munlock, mlockall and munlockall, with the limits in force; address spaces by these rules. */
void linux_calls(struct system *system, const struct vma_rules *rules);

/* can_do_mlock: CAP_IPC_LOCK, or any limit above 0. */
bool linux_may_lock(const struct task *task);
/* RLIMIT_MEMLOCK in pages. */
uint64_t linux_lock_limit(const struct task *task);
/* Whether so many pages more may be locked. */
bool linux_may_lock_more(const struct task *task, uint64_t pages);

/* What mlockall refuses before it changes anything, of flags that are `known`: 0 or -errno. */
long linux_check_mlockall(const struct task *task, int flags, int known);

/*
 * mm_populate: mapping by mapping, each in batches; a batch that faults in at
 * least one page is tried again from where it stopped. 0, -EFAULT or -ENOMEM of the first page that fails twice
 * at the start of a batch, unless errors are ignored, when the next mapping follows.
 */
long linux_populate(struct mm *mm, struct span span, bool ignore_errors);

/*
 * make_pages_present of 2.6.16, for part of a mapping: an error of the first page,
 * and -1, which reads as -EPERM, where it stops behind the first.
 */
long linux_make_pages_present(struct mm *mm, int vma, struct span span);

/* Faults in what has just been locked in this span, as far as that is possible. */
void linux_bring_in(struct mm *mm, struct span span);

/* Memory that never has the flag. */
bool linux_is_special(enum kind kind);
long linux_mremap_and_stay(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length);
long linux_mremap(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length);
long linux_brk(void *self, unsigned long end);
long linux_touch(void *self, unsigned long address, size_t pages);

/* A mapping goes on over the pages behind it, with its lock; 0 or -ENOMEM. */
long linux_extend(struct mm *mm, int vma, struct span span);

/* mmap with MAP_FIXED and some lock; 0 or -errno. */
long linux_map(struct task *task, struct mapping mapping, enum lock lock);

#endif
