/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/draft.h"

struct mm *draft_begin(struct task *task)
{
	mm_copy(task->draft, task->mm);
	task->faults.left = task->left; /* what a call that failed had taken is there again */
	return task->draft;
}

long draft_commit(struct task *task)
{
	struct mm *before = task->mm;

	task->mm = task->draft;
	task->draft = before;
	task->left = task->faults.left;
	return 0;
}

bool draft_within_map_count(const struct task *task)
{
	return task->draft->count <= task->draft->limit;
}

bool draft_allocate_mappings(const struct task *task)
{
	for (size_t n = task->mm->count; n < task->draft->count; n++) {
		if (!mm_allocate(task->draft, 0))
			return false;
	}
	return true;
}

/* A page has one lock or none, so those that were locked before are not counted twice. */
bool draft_within_memlock(const struct task *task)
{
	const struct mm *draft = task->draft;
	uint64_t locked = mm_locked_pages(draft, mm_everything(draft));

	return task->privileged || locked << PAGE_SHIFT <= task->memlock;
}
