/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory locking after the patch of 2006, "POSIX Memory Lock", from the lines
 * that it adds to 2.6.16 (its plus side), with what they do by accident:
 *
 * mark_all, merge_all	do_mlock(start, len, jump_hole), in two passes
 * mark_all, merge_all	do_munlock(start, len, jump_hole)
 * call_mlock, call_munlock	sys_mlock, sys_munlock: only what they call has changed
 * call_mlockall, call_munlockall	do_mlockall and do_munlockall; what the patch leaves
 *			alone around them is that of linux_2_6_16.c
 */
#include <errno.h>
#include <sys/mman.h>

#include "linux/linux.h"

/* A pass over the mappings of a range, under way. */
struct pass {
	struct mm *mm;
	struct span span;
	bool jump_hole;
	bool lock;
	int vma;
	size_t vmoff; /* the end of the last mapping that was split or marked */
	size_t pages; /* that were marked */
};

static struct mapping *now(const struct pass *pass)
{
	return pass->mm->mappings + pass->vma;
}

/* The mapping begins and ends where the range does, or inside it. */
static long cut(struct pass *pass)
{
	long error;

	if (now(pass)->span.start < pass->span.start) {
		error = vma_split(pass->mm, pass->vma, pass->span.start);
		if (error)
			return error;
		pass->vma++;
		pass->vmoff = now(pass)->span.end;
	}
	if (now(pass)->span.end > pass->span.end) {
		error = vma_split(pass->mm, pass->vma, pass->span.end);
		if (error)
			return error;
		pass->vmoff = now(pass)->span.end;
	}
	return 0;
}

/* mlock sets the lock here already, and faults in; munlock only marks, "thus make the possibly rollback easy". */
static long mark(struct pass *pass)
{
	long error = cut(pass);
	struct mapping *vma = now(pass);

	if (error)
		return error;
	pass->pages += vma->span.end - vma->span.start;
	vma->flags |= VMA_CHANGELOCK;
	pass->vmoff = vma->span.end;
	if (!pass->lock)
		return 0;
	vma->lock = LOCK_EAGER;
	return linux_make_pages_present(pass->mm, pass->vma, vma->span); /* as it is: -EFAULT, -ENOMEM or -1 */
}

/* The first pass: marks what has to change, up to the first hole (unless those are jumped over) or failure. */
static long mark_all(struct pass *pass)
{
	while (now(pass)->span.start < pass->span.end) {
		const bool change = (now(pass)->lock == LOCK_NONE) == pass->lock;
		size_t end;

		if (change) {
			long error = mark(pass);

			if (error)
				return error;
		} else if (now(pass)->span.end >= pass->span.end) {
			return 0;
		}
		end = now(pass)->span.end;
		if (end == pass->span.end)
			return 0;
		pass->vma++;
		if (pass->vma == (int)pass->mm->count)
			return pass->jump_hole ? 0 : -ENOMEM;
		if (!pass->jump_hole && now(pass)->span.start != end)
			return -ENOMEM;
	}
	return 0;
}

/* Success unlocks what munlock marked; failure unlocks what mlock did. */
static void unmark(struct mapping *vma, bool unlock)
{
	if (!(vma->flags & VMA_CHANGELOCK))
		return;
	vma->flags &= ~(unsigned)VMA_CHANGELOCK;
	if (unlock)
		vma->lock = LOCK_NONE;
}

/*
 * The second pass: "Try to merge the vmas. If error happened, rollback". After a
 * merge that did not happen, what the next is given as the mapping before it is
 * NULL: from then on nothing merges.
 */
static void merge_all(struct pass *pass, bool unlock)
{
	struct mm *mm = pass->mm;
	int vma = vma_find(mm, pass->span.start), prev = vma - 1;

	while (vma < (int)mm->count && mm->mappings[vma].span.end <= pass->vmoff) {
		struct mapping wanted;

		unmark(&mm->mappings[vma], unlock);
		if (vma + 1 < (int)mm->count)
			unmark(&mm->mappings[vma + 1], unlock);
		wanted = mm->mappings[vma];
		prev = vma_merge(mm, prev, &wanted);
		if (prev != VMA_NONE)
			vma = prev;
		vma++;
	}
}

static long change(struct mm *mm, struct byte_range bytes, bool lock, bool jump_hole)
{
	struct pass pass = {
		.mm = mm,
		.span = span_of(bytes.start, bytes.length),
		.jump_hole = jump_hole,
		.lock = lock,
	};
	long error;

	if (bytes.start + bytes.length < bytes.start)
		return -EINVAL;
	if (bytes.length == 0)
		return 0;
	pass.vma = vma_find(mm, pass.span.start);
	if (pass.vma == (int)mm->count || now(&pass)->span.start > pass.span.start)
		return -ENOMEM;
	error = mark_all(&pass);
	merge_all(&pass, lock ? error != 0 : error == 0);
	if (!error)
		mm->locked_vm += lock ? pass.pages : -pass.pages;
	return error;
}

/* From the first mapping on, as long as the address space is. */
static long change_all(struct mm *mm, bool lock)
{
	const unsigned long task_size = (unsigned long)(mm->space + 1) << PAGE_SHIFT;

	return change(mm, (struct byte_range){ mm->mappings[0].span.start << PAGE_SHIFT, task_size }, lock, true);
}

static long call_mlock(void *self, unsigned long address, size_t length)
{
	struct task *task = self;
	const struct byte_range bytes = linux_whole_pages(address, length, PAGE_BYTES);

	if (!linux_may_lock(task))
		return -EPERM;
	if (!linux_may_lock_more(task, bytes.length >> PAGE_SHIFT))
		return -ENOMEM;
	return change(task->mm, bytes, true, false);
}

static long call_munlock(void *self, unsigned long address, size_t length)
{
	return change(((struct task *)self)->mm, linux_whole_pages(address, length, PAGE_BYTES), false, false);
}

static long call_mlockall(void *self, int flags)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	const long error = linux_check_mlockall(task, flags, MCL_CURRENT | MCL_FUTURE);

	if (error)
		return error;
	mm->future = flags & MCL_FUTURE ? LOCK_EAGER : LOCK_NONE; /* before anything can fail */
	return flags == MCL_FUTURE ? 0 : change_all(mm, true);
}

/* What MCL_FUTURE said stays. */
static long call_munlockall(void *self)
{
	return change_all(((struct task *)self)->mm, false);
}

void posixmlock_calls(struct system *system)
{
	linux_2_6_16_calls(system);
	system->mlock = call_mlock;
	system->munlock = call_munlock;
	system->mlockall = call_mlockall;
	system->munlockall = call_munlockall;
}
