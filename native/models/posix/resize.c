/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls that POSIX does not know: mremap(2) and brk(2) as their manual pages
 * have them, and a stack that grows down to the page that is used. What they add
 * is locked as mlock(2) says: the pages of a locked mapping, and under MCL_FUTURE
 * those of the heap and of the stack.
 */
#include "posix/draft.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

static bool is_free(const struct mm *mm, struct span span)
{
	return span.end <= mm->space && mm_mapped_pages(mm, span) == 0;
}

/* The mapping goes on over the span behind it. */
static long extend(struct task *task, const struct mapping *mapping, struct span span)
{
	struct mapping more = *mapping;

	if (!is_free(task->draft, span))
		return -ENOMEM;
	more.object_page += span.start - mapping->span.start;
	more.span = span;
	mm_map(task->draft, &more);
	if (!draft_within_memlock(task))
		return -EAGAIN;
	if (more.lock == LOCK_EAGER && !mm_populate(task->draft, span))
		return -EAGAIN;
	return 0;
}

/* Pages of the task's mm move to another place of the draft, with all that belongs to them. */
static void move(struct task *task, struct span from, size_t to)
{
	const struct mm *mm = task->mm;
	struct mm *draft = task->draft;

	mm_unmap(draft, (struct span){ to, to + (from.end - from.start) });
	for (const struct mapping *m = mm_find(mm, from.start); mm_meets(mm, m, from); m++) {
		struct mapping moved = *m;

		moved.span.start = m->span.start < from.start ? from.start : m->span.start;
		moved.span.end = m->span.end > from.end ? from.end : m->span.end;
		moved.object_page += moved.span.start - m->span.start;
		moved.span.start = moved.span.start - from.start + to;
		moved.span.end = moved.span.end - from.start + to;
		mm_map(draft, &moved);
	}
	for (size_t page = from.start; page < from.end; page++) {
		draft->pages[page - from.start + to] = mm->pages[page];
		draft->pages[page] = (struct page){ 0 };
	}
	mm_unmap(draft, from);
}

/* An old size of 0: shared memory is mapped once more, with the lock that it has. */
static long map_again(struct task *task, struct span from, struct span target)
{
	struct mm *draft = draft_begin(task);
	const struct mapping *m = mm_find(draft, from.start);
	struct mapping again;

	if (!mm_meets(draft, m, (struct span){ from.start, from.start + 1 }))
		return -EFAULT;
	if (!m->shared || (from.start >= target.start && from.start < target.end))
		return -EINVAL;
	again = *m;
	again.object_page += from.start - m->span.start;
	again.span = target;
	mm_map(draft, &again);
	mm_merge(draft);
	if (!draft_within_memlock(task) || (again.lock == LOCK_EAGER && !mm_populate(draft, target)))
		return -EAGAIN;
	if (!draft_within_map_count(task) || !draft_allocate_mappings(task))
		return -ENOMEM;
	return draft_commit(task);
}

/* MREMAP_DONTUNMAP: the lock goes along with the pages; what stays behind is empty, and not locked. */
long resize_mremap_and_stay(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	struct task *task = self;
	const struct span from = span_of(address, length), target = span_of(to, new_length);
	struct mm *draft;

	if (length != new_length || from.start == from.end || (from.start < target.end && target.start < from.end))
		return -EINVAL;
	if (!mm_is_mapped(task->mm, from))
		return -EFAULT;

	draft = draft_begin(task);
	mm_unmap(draft, target);
	move(task, from, target.start);
	for (const struct mapping *m = mm_find(task->mm, from.start); mm_meets(task->mm, m, from); m++) {
		struct mapping stays = *m;

		stays.span = mm_overlap(m, from);
		stays.object_page += stays.span.start - m->span.start;
		stays.lock = LOCK_NONE;
		mm_map(draft, &stays);
	}
	mm_merge(draft);
	if (!draft_within_map_count(task) || !draft_allocate_mappings(task))
		return -ENOMEM;
	return draft_commit(task);
}

/* linux.mremap: a mapping keeps its lock whatever becomes of its size and place. */
long resize_mremap(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	struct task *task = self;
	struct span from = span_of(address, length), target = span_of(to, new_length);
	size_t pages = from.end - from.start, new_pages = target.end - target.start;
	size_t kept = pages < new_pages ? pages : new_pages;
	long error = 0;

	if (pages == 0)
		return map_again(task, from, target);
	if (!mm_is_mapped(task->mm, from))
		return -EFAULT;
	if (to != address && from.start < target.end && target.start < from.end)
		return -EINVAL;

	draft_begin(task);
	if (to != address) {
		mm_unmap(task->draft, target);
		move(task, (struct span){ from.start, from.start + kept }, target.start);
	}
	if (kept < pages)
		mm_unmap(task->draft, (struct span){ from.start + kept, from.end });
	if (kept < new_pages)
		error = extend(task, mm_find(task->draft, target.start + kept - 1),
			       (struct span){ target.start + kept, target.end });
	if (error)
		return error;
	mm_merge(task->draft);
	if (!draft_within_map_count(task) || !draft_allocate_mappings(task))
		return -ENOMEM;
	return draft_commit(task);
}

/* linux.brk. It knows one error. */
long resize_brk(void *self, unsigned long end)
{
	struct task *task = self;
	const struct span heap = task->mm->heap;
	struct mapping more = {
		.span = { heap.end, end >> PAGE_SHIFT },
		.kind = KIND_HEAP,
		.protection = PROT_READ | PROT_WRITE,
		.lock = task->mm->future,
		.object = NO_OBJECT,
	};
	struct mm *draft = draft_begin(task);

	if (heap.end == 0 || more.span.end < heap.start)
		return -ENOMEM;
	draft->heap.end = more.span.end;
	if (more.span.end < heap.end)
		mm_unmap(draft, (struct span){ more.span.end, heap.end });
	else if (more.span.end > heap.end &&
		 (!task_heap_has_room(draft, more.span, true) || extend(task, &more, more.span)))
		return -ENOMEM;
	mm_merge(draft);
	if (!draft_within_map_count(task) || !draft_allocate_mappings(task))
		return -ENOMEM;
	return draft_commit(task);
}

/* linux.stack-growth; false: the page can be reached by no stack, or not within the limit. */
static bool grow_stack(struct task *task, size_t page)
{
	struct mm *draft = draft_begin(task);
	const struct mapping *stack = mm_find(draft, page);
	struct mapping more;

	if (!mm_meets(draft, stack, mm_everything(draft)) || stack->kind != KIND_STACK ||
	    !task_stack_has_room(draft, stack))
		return false;
	more = *stack;
	more.span = (struct span){ page, stack->span.start };
	if (draft->future != LOCK_NONE)
		more.lock = draft->future; /* mlockall.future */
	mm_map(draft, &more);
	mm_merge(draft);
	if (!draft_within_memlock(task) || (more.lock == LOCK_EAGER && !mm_populate(draft, more.span)))
		return false;
	draft_commit(task);
	return true;
}

long resize_touch(void *self, unsigned long address, size_t pages)
{
	struct task *task = self;
	size_t first = address >> PAGE_SHIFT;
	long result = 0;

	task->touch_faults = 0;
	for (size_t page = first; page < first + pages && !result; page++) {
		if (!mm_is_mapped(task->mm, (struct span){ page, page + 1 }) && !grow_stack(task, page))
			return SIGSEGV;
		result = task_touch(task, page << PAGE_SHIFT, 1);
	}
	return result;
}
