/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mremap(2) as Linux has it: what is added to a locked mapping counts against
 * the limit, is locked, and is made resident as far as that is possible; and
 * what had to make room for a mapping that then cannot move is gone.
 */
#include "linux/linux.h"

#include <errno.h>

/* How many more mappings a process must be able to have, so that what a move splits and makes fits in. */
enum { ROOM = 4, ROOM_AFTER_UNMAPPING = 2 };

static bool has_room(const struct mm *mm, size_t mappings)
{
	return mm->count + mappings <= mm->limit;
}

static size_t pages_of(struct span span)
{
	return span.end - span.start;
}

static bool holds(const struct mm *mm, int vma, struct span span)
{
	return vma < (int)mm->count && mm->mappings[vma].span.start <= span.start &&
	       mm->mappings[vma].span.end >= span.end;
}

static bool is_mapped(const struct mm *mm, size_t page)
{
	return holds(mm, vma_find(mm, page), (struct span){ page, page + 1 });
}

/* What can be refused of a mapping that becomes so many pages. */
static long check(const struct task *task, struct span from, size_t new_pages)
{
	const struct mm *mm = task->mm;
	const int vma = vma_find(mm, from.start);

	if (!holds(mm, vma, from))
		return -EFAULT;
	if (mm->mappings[vma].lock != LOCK_NONE && new_pages > pages_of(from) &&
	    !linux_may_lock_more(task, new_pages - pages_of(from)))
		return -EAGAIN;
	return 0;
}

/* Memory of no file that was never written to belongs to the place where it lies. */
static struct mapping at_target(const struct mm *mm, int vma, struct span from, struct span target)
{
	struct mapping part = vma_part(mm, vma, from);

	part.span = target;
	if (part.object == NO_OBJECT && !part.anon)
		part.object_page = target.start;
	return part;
}

static void move_pages(struct mm *mm, struct span from, size_t to)
{
	for (size_t i = 0; i < pages_of(from); i++) {
		mm->pages[to + i] = mm->pages[from.start + i];
		mm->pages[from.start + i] = (struct page){ 0 };
	}
}

static long place(struct mm *mm, const struct mapping *wanted)
{
	if (!has_room(mm, ROOM))
		return -ENOMEM;
	if (vma_merge(mm, vma_find(mm, wanted->span.start) - 1, wanted) >= 0)
		return 0;
	if (!mm_allocate(mm, 0))
		return -ENOMEM;
	mm_map(mm, wanted);
	return 0;
}

/* One mapping, or a part of one, to pages that are free: it is there twice, before it is gone where it was. */
static long move(struct task *task, struct span from, struct span target)
{
	struct mm *mm = task->mm;
	const struct mapping wanted = at_target(mm, vma_find(mm, from.start), from, target);
	const long error = place(mm, &wanted);

	if (error)
		return error;
	move_pages(mm, from, target.start);
	if (wanted.lock != LOCK_NONE)
		mm->locked_vm += pages_of(target);
	vma_unmap(mm, from);
	if (wanted.lock != LOCK_NONE && pages_of(target) > pages_of(from))
		linux_bring_in(mm, (struct span){ target.start + pages_of(from), target.end });
	return 0;
}

/* One mapping that may change its size as it moves. */
static long move_one(struct task *task, struct span from, struct span target)
{
	struct mm *mm = task->mm;
	const bool checks_first = mm->rules->remap == REMAP_CHECKS_FIRST;
	struct span kept = from;
	long error;

	if (pages_of(kept) > pages_of(target))
		kept.end = kept.start + pages_of(target);
	error = checks_first ? check(task, kept, pages_of(target)) : 0;
	if (error)
		return error;
	error = vma_unmap(mm, target);
	if (!error)
		error = vma_unmap(mm, (struct span){ kept.end, from.end });
	if (!error && !checks_first)
		error = check(task, kept, pages_of(target));
	return error ? error : move(task, kept, target);
}

/* All that is mapped in the range, which must begin with a mapping; holes between them stay as wide. */
static long move_each(struct task *task, struct span from, size_t to)
{
	struct mm *mm = task->mm;

	if (!is_mapped(mm, from.start))
		return -EFAULT;
	for (size_t page = from.start; page < from.end;) {
		const int vma = vma_find(mm, page);
		struct span part, target;
		long error;

		if (vma == (int)mm->count || mm->mappings[vma].span.start >= from.end)
			break;
		part = mm_overlap(&mm->mappings[vma], (struct span){ page, from.end });
		target = (struct span){ part.start - from.start + to, part.end - from.start + to };
		error = move_one(task, part, target);
		if (error)
			return error;
		page = part.end;
	}
	return 0;
}

static long move_to(struct task *task, struct span from, struct span target)
{
	const struct mm *mm = task->mm;

	if (mm->rules->remap == REMAP_LOOKS_FIRST && !is_mapped(mm, from.start))
		return -EFAULT;
	if (from.start < target.end && target.start < from.end)
		return -EINVAL;
	if (!has_room(mm, mm->rules->remap_wants_room ? ROOM : ROOM + ROOM_AFTER_UNMAPPING))
		return -ENOMEM;
	if (mm->rules->remap == REMAP_CHECKS_FIRST && pages_of(from) == pages_of(target))
		return move_each(task, from, target.start);
	return move_one(task, from, target);
}

static long grow(struct task *task, struct span from, size_t new_pages)
{
	struct mm *mm = task->mm;
	const int vma = vma_find(mm, from.start);
	const struct span more = { from.end, from.start + new_pages };
	long error = check(task, from, new_pages);

	if (error)
		return error;
	if (mm->mappings[vma].span.end != from.end)
		return -ENOMEM;
	return linux_extend(mm, vma, more);
}

/* An old size of 0: shared memory is mapped once more, with the lock that it has. */
static long map_again(struct task *task, struct span from, struct span target)
{
	struct mm *mm = task->mm;
	struct mapping again;
	long error;

	if (!is_mapped(mm, from.start))
		return -EFAULT;
	again = mm->mappings[vma_find(mm, from.start)];
	if (!again.shared || (from.start >= target.start && from.start < target.end))
		return -EINVAL;
	if (again.lock != LOCK_NONE && !linux_may_lock_more(task, pages_of(target)))
		return -EAGAIN;
	error = vma_unmap(mm, target);
	if (error)
		return error;
	again.object_page += from.start - again.span.start;
	again.span = target;
	if (!mm_allocate(mm, 0))
		return -ENOMEM;
	mm_map(mm, &again);
	if (again.lock == LOCK_NONE)
		return 0;
	mm->locked_vm += pages_of(target);
	linux_bring_in(mm, target);
	return 0;
}

/* The old mapping, without what has moved, loses its lock: that of the range, or as a whole, with what it became one with. */
static long unlock_what_stays(struct mm *mm, struct span from)
{
	const int vma = vma_find(mm, from.start);
	struct mapping *stays = mm->mappings + vma;
	long error = 0;

	if (stays->lock == LOCK_NONE || mm->rules->stay_unlocks_all) {
		stays->lock = LOCK_NONE;
		return 0;
	}
	if (stays->span.end > from.end)
		error = vma_split(mm, vma, from.end);
	if (!error && mm->mappings[vma].span.start < from.start)
		error = vma_split(mm, vma, from.start);
	if (!error)
		mm->mappings[vma_find(mm, from.start)].lock = LOCK_NONE;
	return error;
}

/* MREMAP_DONTUNMAP: the lock goes along with the pages (move_vma()). */
long linux_mremap_and_stay(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	const struct span from = span_of(address, length), target = span_of(to, new_length);
	struct mapping wanted;
	long error;

	if (length != new_length || pages_of(from) == 0 || (from.start < target.end && target.start < from.end))
		return -EINVAL;
	if (!holds(mm, vma_find(mm, from.start), from))
		return -EFAULT;
	error = vma_unmap(mm, target);
	if (error)
		return error;
	wanted = at_target(mm, vma_find(mm, from.start), from, target);
	error = place(mm, &wanted);
	if (error)
		return error;
	move_pages(mm, from, target.start);
	if (wanted.lock != LOCK_NONE && mm->rules->stay_counts_twice)
		mm->locked_vm += pages_of(target);
	return unlock_what_stays(mm, from);
}

long linux_mremap(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	const struct span from = span_of(address, length), target = span_of(to, new_length);

	if (pages_of(from) == 0)
		return map_again(task, from, target);
	if (to != address)
		return move_to(task, from, target);
	if (mm->rules->remap_wants_room && !has_room(mm, ROOM))
		return -ENOMEM;
	if (mm->rules->remap != REMAP_BLINDLY && !is_mapped(mm, from.start))
		return -EFAULT;
	if (target.end > from.end)
		return grow(task, from, pages_of(target));
	return vma_unmap(mm, (struct span){ target.end, from.end });
}
