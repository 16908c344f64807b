/* SPDX-License-Identifier: Apache-2.0 */
#include "mutants/call_pages.h"

static void set_mode(struct task_call *call, enum lock from, enum lock to)
{
	struct span span = clamped(call);

	for (size_t page = span.start; page < span.end; page++) {
		if (lock_at(now(call), page) == from)
			put(call, page, to);
	}
}

void lock_on_fault(struct task_call *call)
{
	set_mode(call, LOCK_EAGER, LOCK_ON_FAULT);
}

void lock_eager(struct task_call *call)
{
	set_mode(call, LOCK_ON_FAULT, LOCK_EAGER);
}

void populate(struct task_call *call)
{
	mm_populate(now(call), clamped(call));
}

static bool was_absent(const struct task_call *call, size_t page)
{
	return !call->before->pages[page].resident || !mapping_at(call->before, page);
}

void evict(struct task_call *call)
{
	each(call, call->kind & (ON_MUNLOCK | ON_MPROTECT | ON_MADVISE) ? NULL : was_absent, evict_page);
}

void evict_last_page(struct task_call *call)
{
	if (!is_empty(call->span) && call->span.end <= now(call)->space)
		evict_page(call, call->span.end - 1);
}

void evict_next_page(struct task_call *call)
{
	if (mapping_at(now(call), call->span.end))
		evict_page(call, call->span.end);
}

static void lend_page(struct task_call *call, size_t page)
{
	now(call)->pages[page].borrowed = now(call)->pages[page].resident;
}

void lend(struct task_call *call)
{
	each(call, NULL, lend_page);
}

void evict_kind(struct task_call *call)
{
	each(call, has_kind, evict_page);
}

void evict_shared_kind(struct task_call *call)
{
	each(call, has_shared_kind, evict_page);
}
