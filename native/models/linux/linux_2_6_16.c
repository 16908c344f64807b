/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory locking as Linux 2.6.16 had it, from the lines that the patch of 2006
 * takes away (its minus side, and what stands unmarked around it):
 *
 * fix_up	mlock_fixup, whole; what it calls are vma_merge() and split_vma()
 *		of the time (vma.h), and make_pages_present(): from the mail only that it
 *		is given the range and that its result is returned
 * change	do_mlock( , , on), whole
 * call_mlock	sys_mlock: "check against resource limits" to its end; what comes
 *		before from mlock(2) of man-pages 2.25, "Linux specific details"
 * call_munlock	sys_munlock, whole
 * call_mlockall	do_mlockall, whole; the limits from mlockall(2) of man-pages 2.25
 * call_munlockall	sys_munlockall: do_mlockall(0)
 */
#include <errno.h>
#include <sys/mman.h>

#include "linux/linux.h"

static const struct vma_rules rules_2_6_16 = { .anon = ANON_EITHER };

/* Part of a mapping that gets another lock: merged, else split; flagged, then faulted in, then counted. */
static long change_part(struct mm *mm, int *prev, int vma, struct span part, enum lock lock)
{
	struct mapping wanted = vma_part(mm, vma, part);
	const size_t pages = part.end - part.start;
	long error = 0;

	wanted.lock = lock;
	*prev = vma_merge(mm, *prev, &wanted);
	if (*prev == VMA_NONE) {
		*prev = vma;
		if (part.start != mm->mappings[vma].span.start) {
			error = vma_split(mm, vma, part.start);
			if (error)
				return error;
			*prev = ++vma;
		}
		if (part.end != mm->mappings[vma].span.end)
			error = vma_split(mm, vma, part.end);
		if (error)
			return error;
		mm->mappings[vma].lock = lock;
	}
	if (lock == LOCK_NONE) {
		mm->locked_vm -= pages;
		return 0;
	}
	error = linux_make_pages_present(mm, *prev, part);
	mm->locked_vm += pages;
	return error;
}

/* Every shortage of memory becomes EAGAIN; `prev` is the mapping that it was about, also where it fails. */
static long fix_up(struct mm *mm, int *prev, int vma, struct span part, enum lock lock)
{
	long error;

	if (mm->mappings[vma].lock == lock) {
		*prev = vma;
		return 0;
	}
	error = change_part(mm, prev, vma, part, lock);
	return error == -ENOMEM ? -EAGAIN : error;
}

/* Up to the first hole or failure. */
static long change(struct mm *mm, struct byte_range bytes, enum lock lock)
{
	struct span left = span_of(bytes.start, bytes.length);
	int vma, prev;

	if (bytes.start + bytes.length < bytes.start)
		return -EINVAL;
	if (bytes.length == 0)
		return 0;
	vma = vma_find(mm, left.start);
	prev = vma - 1;
	if (vma < (int)mm->count && mm->mappings[vma].span.start < left.start)
		prev = vma;
	while (left.start < left.end) {
		struct span part = left;
		long error;

		if (vma == (int)mm->count || mm->mappings[vma].span.start > left.start)
			return -ENOMEM;
		if (part.end > mm->mappings[vma].span.end)
			part.end = mm->mappings[vma].span.end;
		error = fix_up(mm, &prev, vma, part, lock);
		if (error)
			return error;
		left.start = part.end > mm->mappings[prev].span.end ? part.end : mm->mappings[prev].span.end;
		vma = prev + 1;
	}
	return 0;
}

static long call_mlock(void *self, unsigned long address, size_t length)
{
	struct task *task = self;
	const struct byte_range bytes = linux_whole_pages(address, length, PAGE_BYTES);

	if (!linux_may_lock(task))
		return -EPERM;
	if (!linux_may_lock_more(task, bytes.length >> PAGE_SHIFT))
		return -ENOMEM;
	return change(task->mm, bytes, LOCK_EAGER);
}

static long call_munlock(void *self, unsigned long address, size_t length)
{
	return change(((struct task *)self)->mm, linux_whole_pages(address, length, PAGE_BYTES), LOCK_NONE);
}

static void change_all(struct mm *mm, enum lock lock)
{
	int prev = VMA_NONE;

	for (int vma = 0; vma < (int)mm->count; vma = prev + 1)
		fix_up(mm, &prev, vma, mm->mappings[vma].span, lock); /* errors are ignored */
}

static long call_mlockall(void *self, int flags)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	const long error = linux_check_mlockall(task, flags, MCL_CURRENT | MCL_FUTURE);

	if (error)
		return error;
	mm->future = flags & MCL_FUTURE ? LOCK_EAGER : LOCK_NONE;
	if (flags & MCL_CURRENT)
		change_all(mm, LOCK_EAGER);
	return 0;
}

static long call_munlockall(void *self)
{
	struct mm *mm = ((struct task *)self)->mm;

	mm->future = LOCK_NONE;
	change_all(mm, LOCK_NONE);
	return 0;
}

static long no_mlock2(void *self, unsigned long address, size_t length, int flags)
{
	(void)self;
	(void)address;
	(void)length;
	(void)flags;
	return -ENOSYS;
}

void linux_2_6_16_calls(struct system *system)
{
	linux_calls(system, &rules_2_6_16);
	system->mlock = call_mlock;
	system->mlock2 = no_mlock2;
	system->munlock = call_munlock;
	system->mlockall = call_mlockall;
	system->munlockall = call_munlockall;
}
