/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory locking as Linux has it today: locks are set mapping by mapping, then
 * what is locked is faulted in, with the lock of the address space given up, and
 * nothing is taken back when either fails.
 *
 * Written from mlock(2), mlock2(2) and Documentation/mm/unevictable-lru.rst
 * ("mlock(), mlock2(), mlockall() system call handling"), and measured against
 * running kernels with `lockproof explore --against`.
 */
#define _GNU_SOURCE /* MLOCK_ONFAULT */
#include <errno.h>
#include <sys/mman.h>

#include "linux/linux.h"

/* What all of these versions have, and 2.6.16 has not. */
#define SINCE_5_10                                                                                                     \
	.child_has_own_anon = true, .lock_on_fault = true, .counts_once = true, .skips_special = true,                 \
	.guards_stacks = true

/* What those from 6.1 on have besides. */
#define SINCE_6_1 SINCE_5_10, .brk_finds_heap = true, .growth_merges = true

/* And from 6.12 on. */
#define SINCE_6_12 SINCE_6_1, .merge = MERGE_FAILS, .drops_account = true

static const struct vma_rules rules_7_1 = {
	SINCE_6_12,
	.anon = ANON_NOT_FORKED,
	.remap = REMAP_CHECKS_FIRST,
	.remap_wants_room = true,
};

static const struct vma_rules rules_6 = {
	SINCE_6_12,
	.anon = ANON_NOT_FORKED,
	.remap = REMAP_CHECKS_FIRST,
	.stay_unlocks_all = true,
	.stay_counts_twice = true,
};

static const struct vma_rules rules_6_12 = {
	SINCE_6_12,
	.anon = ANON_NEIGHBOUR_HAS,
	.remap = REMAP_LOOKS_FIRST,
};

static const struct vma_rules rules_6_1 = {
	SINCE_6_1,
	.anon = ANON_NEIGHBOUR_HAS,
	.merge = MERGE_LEFT_OUT,
	.behind_lends_first = true,
	.mmap_takes_first = true,
	.remap = REMAP_LOOKS_FIRST,
};

static const struct vma_rules rules_5_10 = {
	SINCE_5_10,
	.anon = ANON_NEIGHBOUR_HAS,
	.merge = MERGE_TAKES_NOTHING,
	.on_fault_is_tried = true,
	.stay_unlocks_all = true,
};

/* mlock_fixup: part of a mapping gets its lock, and is counted. The mapping that it belongs to then, or -ENOMEM. */
static int fix_up(struct mm *mm, int prev, int vma, struct span part, enum lock lock)
{
	struct mapping wanted = vma_part(mm, vma, part);
	const enum lock was = wanted.lock;
	const size_t pages = part.end - part.start;
	int changed;

	if (was == lock || linux_is_special(wanted.kind))
		return vma;
	wanted.lock = lock;
	changed = vma_modify(mm, prev, vma, &wanted);
	if (changed < 0)
		return -ENOMEM;
	if (lock == LOCK_NONE)
		mm->locked_vm -= pages;
	else if (was == LOCK_NONE)
		mm->locked_vm += pages;
	return changed;
}

/* apply_vma_lock_flags: up to the first hole. */
static long apply(struct mm *mm, struct byte_range bytes, enum lock lock)
{
	struct span left = span_of(bytes.start, bytes.length);
	int vma = vma_find(mm, left.start), prev = vma - 1;

	if (bytes.start + bytes.length < bytes.start)
		return -EINVAL;
	if (bytes.length > 0 && vma < (int)mm->count && mm->mappings[vma].span.start < left.start)
		prev = vma;
	while (left.start < left.end) {
		struct span part = left;

		if (vma == (int)mm->count || mm->mappings[vma].span.start > left.start)
			return -ENOMEM;
		if (part.end > mm->mappings[vma].span.end)
			part.end = mm->mappings[vma].span.end;
		prev = fix_up(mm, prev, vma, part, lock);
		if (prev < 0)
			return prev;
		left.start = mm->mappings[prev].span.end;
		vma = prev + 1;
	}
	return 0;
}

/* __mlock_posix_error_return */
static long posix_error(long error)
{
	return error == -EFAULT ? -ENOMEM : error == -ENOMEM ? -EAGAIN : error;
}

/* Pages of the range that are locked already are not counted twice. */
static bool is_within_limit(const struct task *task, struct byte_range bytes)
{
	const struct span span = span_of(bytes.start, bytes.length);
	const uint64_t limit = linux_lock_limit(task);
	uint64_t locked = (bytes.length >> PAGE_SHIFT) + task->mm->locked_vm;

	if (task->privileged || locked <= limit)
		return true;
	return locked - mm_locked_pages(task->mm, span) <= limit;
}

static long lock_range(struct task *task, unsigned long address, size_t length, enum lock lock)
{
	const struct byte_range bytes = linux_whole_pages(address, length, PAGE_BYTES);
	long error;

	if (!linux_may_lock(task))
		return -EPERM;
	if (!is_within_limit(task, bytes))
		return -ENOMEM;
	error = apply(task->mm, bytes, lock);
	if (error)
		return error;
	return posix_error(linux_populate(task->mm, span_of(bytes.start, bytes.length), false));
}

static long call_mlock(void *self, unsigned long address, size_t length)
{
	return lock_range(self, address, length, LOCK_EAGER);
}

static long call_mlock2(void *self, unsigned long address, size_t length, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(self, address, length, flags & MLOCK_ONFAULT ? LOCK_ON_FAULT : LOCK_EAGER);
}

static long call_munlock(void *self, unsigned long address, size_t length)
{
	return apply(((struct task *)self)->mm, linux_whole_pages(address, length, PAGE_BYTES), LOCK_NONE);
}

/* apply_mlockall_flags: errors are ignored. */
static void apply_to_all(struct mm *mm, enum lock lock)
{
	int prev = VMA_NONE;

	for (int vma = 0; vma < (int)mm->count; vma = prev + 1) {
		int changed = fix_up(mm, prev, vma, mm->mappings[vma].span, lock);

		prev = changed < 0 ? vma : changed;
	}
}

static long call_mlockall(void *self, int flags)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	const enum lock lock = flags & MCL_ONFAULT ? LOCK_ON_FAULT : LOCK_EAGER;
	const long error = linux_check_mlockall(task, flags, MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);

	if (error)
		return error;
	mm->future = flags & MCL_FUTURE ? lock : LOCK_NONE;
	if (!(flags & MCL_CURRENT))
		return 0;
	apply_to_all(mm, lock);
	linux_populate(mm, mm_everything(mm), true);
	return 0;
}

static long call_munlockall(void *self)
{
	struct mm *mm = ((struct task *)self)->mm;

	mm->future = LOCK_NONE;
	apply_to_all(mm, LOCK_NONE);
	return 0;
}

static void calls_by(struct system *system, const struct vma_rules *rules)
{
	linux_calls(system, rules);
	system->mlock = call_mlock;
	system->mlock2 = call_mlock2;
	system->munlock = call_munlock;
	system->mlockall = call_mlockall;
	system->munlockall = call_munlockall;
}

void linux_7_1_calls(struct system *system)
{
	calls_by(system, &rules_7_1);
}

void linux_6_calls(struct system *system)
{
	calls_by(system, &rules_6);
}

void linux_6_12_calls(struct system *system)
{
	calls_by(system, &rules_6_12);
}

void linux_6_1_calls(struct system *system)
{
	calls_by(system, &rules_6_1);
}

void linux_5_10_calls(struct system *system)
{
	calls_by(system, &rules_5_10);
}
