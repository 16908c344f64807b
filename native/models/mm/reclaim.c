/* SPDX-License-Identifier: Apache-2.0 */

/* What goes when memory is taken back: every page but those that a lock keeps, of the process and of its parent. */
#include "mm/task.h"

static bool has_locked(const struct mm *mm, int object, size_t object_page)
{
	for (size_t i = 0; i < mm->count; i++) {
		const struct mapping *m = &mm->mappings[i];

		if (m->lock != LOCK_NONE && m->shared && m->object == object && object_page >= m->object_page &&
		    object_page - m->object_page < m->span.end - m->span.start)
			return true;
	}
	return false;
}

/* Its own lock, or one of any mapping of the same page. Of pools of huge pages, and of secret memory, nothing goes. */
static bool stays(const struct task *task, const struct mapping *m, size_t page)
{
	size_t object_page = m->object_page + (page - m->span.start);

	if (m->lock != LOCK_NONE || m->kind == KIND_HUGETLB || m->kind == KIND_SECRETMEM)
		return true;
	return m->object != NO_OBJECT && (has_locked(task->mm, m->object, object_page) ||
					  (task->parent && has_locked(task->parent, m->object, object_page)));
}

static void take_from(const struct task *task, struct mm *mm)
{
	for (size_t i = 0; i < mm->count; i++) {
		const struct mapping *m = &mm->mappings[i];

		for (size_t page = m->span.start; page < m->span.end; page++) {
			if (mm->pages[page].resident && !stays(task, m, page))
				mm_discard(mm, (struct span){ page, page + 1 });
		}
	}
}

long task_reclaim(void *self)
{
	struct task *task = self;

	take_from(task, task->mm);
	if (task->parent)
		take_from(task, task->parent);
	return 0;
}
