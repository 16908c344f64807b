/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mremap(2), brk(2) and a stack that grows, as Linux has them: what is added to
 * locked memory counts against the limit first, and is made resident as far as
 * that is possible.
 */
#include "linux/linux.h"

#include <errno.h>
#include <sys/mman.h>

/* More of a mapping, over pages that are free. */
static long extend(struct task *task, struct mapping more, struct span span)
{
	struct mm *mm = task->mm;
	size_t pages = span.end - span.start;

	if (span.end > mm->space || mm_mapped_pages(mm, span) > 0)
		return -ENOMEM;
	if (more.lock != LOCK_NONE && !linux_may_lock_more(task, pages))
		return -EAGAIN;
	more.object_page += span.start - more.span.start;
	more.span = span;
	if (vma_merge_new(mm, &more, false) < 0) {
		if (!mm_allocate(mm, 0))
			return -ENOMEM;
		mm_map(mm, &more);
	}
	if (more.lock == LOCK_NONE)
		return 0;
	mm->locked_vm += pages;
	linux_populate(mm, span, true);
	return 0;
}

/* A mapping moves with its pages, as a mapping of its own that merges where it comes to. */
static void move(struct mm *mm, int vma, struct span from, size_t to)
{
	struct mapping moved = vma_part(mm, vma, from);
	size_t pages = from.end - from.start;
	struct page kept[MAX_PAGES];

	for (size_t i = 0; i < pages; i++) {
		kept[i] = mm->pages[from.start + i];
		mm->pages[from.start + i] = (struct page){ 0 };
	}
	mm_unmap(mm, from);
	moved.span = (struct span){ to, to + pages };
	if (vma_merge_new(mm, &moved, false) < 0)
		mm_map(mm, &moved);
	for (size_t i = 0; i < pages; i++)
		mm->pages[to + i] = kept[i];
}

long linux_mremap(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	struct span from = span_of(address, length), target = span_of(to, new_length);
	size_t pages = from.end - from.start, new_pages = target.end - target.start;
	size_t kept = pages < new_pages ? pages : new_pages;
	struct mapping was;
	int vma;

	if (to != address && from.start < target.end && target.start < from.end)
		return -EINVAL;
	vma = vma_find(mm, from.start);
	if (vma == (int)mm->count || mm->mappings[vma].span.start > from.start || mm->mappings[vma].span.end < from.end)
		return -EFAULT;
	was = vma_part(mm, vma, from);
	if (was.lock != LOCK_NONE && new_pages > pages && !linux_may_lock_more(task, new_pages - pages))
		return -EAGAIN;
	if ((to != address && vma_unmap(mm, target)) ||
	    (kept < pages && vma_unmap(mm, (struct span){ from.start + kept, from.end })))
		return -ENOMEM;
	if (to != address) {
		vma = vma_find(mm, from.start);
		move(mm, vma, (struct span){ from.start, from.start + kept }, target.start);
	}
	if (kept == new_pages)
		return 0;
	was.object_page += target.start + kept - (to == address ? from.start : target.start);
	was.span.start = target.start + kept;
	return extend(task, was, (struct span){ target.start + kept, target.end });
}

/* It knows one error. */
long linux_brk(void *self, unsigned long end)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	const struct span heap = mm->heap;
	const struct mapping more = {
		.span = { heap.end, end >> PAGE_SHIFT },
		.kind = KIND_HEAP,
		.protection = PROT_READ | PROT_WRITE,
		.flags = VMA_ACCOUNT,
		.lock = mm->future,
		.object = NO_OBJECT,
	};

	if (heap.end == 0 || more.span.end < heap.start)
		return -ENOMEM;
	if (more.span.end < heap.end && vma_unmap(mm, (struct span){ more.span.end, heap.end }))
		return -ENOMEM;
	if (more.span.end > heap.end && extend(task, more, more.span))
		return -ENOMEM;
	mm->heap.end = more.span.end;
	return 0;
}

/* The stack grows down to the page, with the lock that it has; what MCL_FUTURE says is not asked. */
static bool grow_stack(struct task *task, size_t page)
{
	struct mm *mm = task->mm;
	int vma = vma_find(mm, page);
	struct mapping *stack = mm->mappings + vma;
	size_t pages;

	if (vma == (int)mm->count || stack->kind != KIND_STACK)
		return false;
	pages = stack->span.start - page;
	if (stack->lock != LOCK_NONE) {
		if (!linux_may_lock_more(task, pages))
			return false;
		mm->locked_vm += pages;
	}
	stack->span.start = page;
	return true;
}

long linux_touch(void *self, unsigned long address, size_t pages)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	size_t first = address >> PAGE_SHIFT;
	bool limited = task->faults.limited;
	long result = 0;

	task->faults.limited = false;
	for (size_t page = first; page < first + pages && !result; page++) {
		const bool charged = vma_page_is_charged(&mm->pages[page]);

		if (!mm_is_mapped(mm, (struct span){ page, page + 1 }))
			grow_stack(task, page);
		result = task_access_signal(task, page);
		if (!result)
			result = vma_fault(mm, vma_find(mm, page), page);
		if (!result && !charged && vma_page_is_charged(&mm->pages[page]) && task->left)
			task->left--;
	}
	task->faults.limited = limited;
	return result;
}
