/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Mappings that go on over free pages, as Linux has them: for mremap(2), brk(2)
 * and a stack. What is added to locked memory counts against the limit first, and is
 * made resident as far as that is possible.
 */
#include "linux/linux.h"

#include <errno.h>
#include <sys/mman.h>

static bool is_free(const struct mm *mm, struct span span)
{
	return span.end <= mm->space && mm_mapped_pages(mm, span) == 0;
}

static int merge(struct mm *mm, const struct mapping *more)
{
	return vma_merge(mm, vma_find(mm, more->span.start) - 1, more);
}

static void lock_more(struct mm *mm, const struct mapping *more)
{
	if (more->lock == LOCK_NONE)
		return;
	mm->locked_vm += more->span.end - more->span.start;
	linux_bring_in(mm, more->span);
}

long linux_extend(struct mm *mm, int vma, struct span span)
{
	struct mapping more = mm->mappings[vma];

	more.object_page += span.start - more.span.start;
	more.span = span;
	if (!is_free(mm, span))
		return -ENOMEM;
	if (!mm->rules->growth_merges)
		mm->mappings[vma].span.end = span.end;
	else if (merge(mm, &more) < 0)
		return -ENOMEM;
	lock_more(mm, &more);
	return 0;
}

static bool grow_heap(struct task *task, const struct mapping *more)
{
	struct mm *mm = task->mm;

	if (!is_free(mm, more->span) || !task_heap_has_room(mm, more->span, mm->rules->guards_stacks) ||
	    mm->count > mm->limit)
		return false;
	if (more->lock != LOCK_NONE && !linux_may_lock_more(task, more->span.end - more->span.start))
		return false;
	if (merge(mm, more) < 0) {
		if (!mm_allocate(mm, 0))
			return false;
		mm_map(mm, more);
	}
	lock_more(mm, more);
	return true;
}

/* It knows one error. */
long linux_brk(void *self, unsigned long end)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	const struct span heap = mm->heap, less = { end >> PAGE_SHIFT, heap.end };
	const struct mapping more = {
		.span = { heap.end, end >> PAGE_SHIFT },
		.kind = KIND_HEAP,
		.protection = PROT_READ | PROT_WRITE,
		.flags = VMA_ACCOUNT,
		.lock = mm->future,
		.object = NO_OBJECT,
		.object_page = heap.end,
	};

	if (heap.end == 0)
		return -ENOMEM;
	if (less.start < less.end && mm->rules->brk_finds_heap && mm_mapped_pages(mm, less) == 0)
		return -ENOMEM;
	if (less.start < less.end && vma_unmap(mm, less))
		return -ENOMEM;
	if (less.start > less.end && !grow_heap(task, &more))
		return -ENOMEM;
	mm->heap.end = less.start;
	return 0;
}

/* The stack grows down to the page, with the lock that it has; what MCL_FUTURE says is not asked. */
static void grow_stack(struct task *task, size_t page)
{
	struct mm *mm = task->mm;
	const int vma = vma_find(mm, page);
	struct mapping *stack = mm->mappings + vma;
	size_t pages;

	if (vma == (int)mm->count || stack->kind != KIND_STACK ||
	    (mm->rules->guards_stacks && !task_stack_has_room(mm, stack)))
		return;
	pages = stack->span.start - page;
	if (stack->lock != LOCK_NONE && !linux_may_lock_more(task, pages))
		return;
	if (!vma_prepare_anon(mm, vma))
		return;
	if (stack->lock != LOCK_NONE)
		mm->locked_vm += pages;
	stack->span.start = page;
	stack->object_page -= pages;
}

/* Takes a page fault where the page is not there, or is another's and is written to. */
static long access_page(struct task *task, size_t page)
{
	struct mm *mm = task->mm;
	const int vma = vma_find(mm, page);
	const struct page before = mm->pages[page];
	long result = vma_fault(mm, vma, page);

	task->touch_faults += !before.resident || before.borrowed != mm->pages[page].borrowed;
	return result;
}

long linux_touch(void *self, unsigned long address, size_t pages)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	size_t first = address >> PAGE_SHIFT;
	bool limited = task->faults.limited;
	long result = 0;

	task->faults.limited = false;
	task->touch_faults = 0;
	for (size_t page = first; page < first + pages && !result; page++) {
		const bool charged = vma_page_is_charged(&mm->pages[page]);

		if (!mm_is_mapped(mm, (struct span){ page, page + 1 }))
			grow_stack(task, page);
		result = task_access_signal(task, page);
		if (!result)
			result = access_page(task, page);
		if (!result && !charged && vma_page_is_charged(&mm->pages[page]) && task->left)
			task->left--;
	}
	task->faults.limited = limited;
	return result;
}
