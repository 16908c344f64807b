/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MUTANTS_CALL_PAGES_H
#define LOCKPROOF_MUTANTS_CALL_PAGES_H

/* Pages as mutants see them: before a call, and after it. */

#include "mutants/effects.h"

static inline struct span page_span(size_t page)
{
	return (struct span){ page, page + 1 };
}

static inline const struct mapping *mapping_at(const struct mm *mm, size_t page)
{
	const struct mapping *mapping = mm_find(mm, page);

	return mm_meets(mm, mapping, page_span(page)) ? mapping : NULL;
}

static inline enum lock lock_at(const struct mm *mm, size_t page)
{
	const struct mapping *mapping = mapping_at(mm, page);

	return mapping ? mapping->lock : LOCK_NONE;
}

static inline struct mm *now(const struct task_call *call)
{
	return call->task->mm;
}

static inline void put(const struct task_call *call, size_t page, enum lock lock)
{
	if (page < now(call)->space && lock_at(now(call), page) != lock)
		mm_set_lock(now(call), page_span(page), lock);
}

/* The lock that the call gives to what it names. */
static inline enum lock wanted(const struct task_call *call)
{
	return call->kind & (ON_MUNLOCK | ON_MUNLOCKALL) ? LOCK_NONE : call->lock;
}

static inline struct span clamped(const struct task_call *call)
{
	struct span span = call->span;
	size_t space = call->before->space;

	return (struct span){ span.start < space ? span.start : space, span.end < space ? span.end : space };
}

/* Pages of the range, of which something holds. */
static inline void each(struct task_call *call, bool (*is)(const struct task_call *call, size_t page),
			void (*act)(struct task_call *call, size_t page))
{
	struct span span = clamped(call);

	for (size_t page = span.start; page < span.end; page++) {
		if (mapping_at(now(call), page) && (!is || is(call, page)))
			act(call, page);
	}
}

static inline void undo_page(struct task_call *call, size_t page)
{
	put(call, page, lock_at(call->before, page));
}

static inline void do_page(struct task_call *call, size_t page)
{
	put(call, page, wanted(call));
}

static inline void unlock_page(struct task_call *call, size_t page)
{
	put(call, page, LOCK_NONE);
}

static inline void evict_page(struct task_call *call, size_t page)
{
	now(call)->pages[page].resident = false;
}

static inline bool is_empty(struct span span)
{
	return span.start >= span.end;
}

static inline bool was_locked(const struct task_call *call, size_t page)
{
	return lock_at(call->before, page) != LOCK_NONE;
}

static inline bool any_was_locked(const struct task_call *call)
{
	struct span span = clamped(call);

	for (size_t page = span.start; page < span.end; page++) {
		if (was_locked(call, page))
			return true;
	}
	return false;
}

static inline bool has_kind(const struct task_call *call, size_t page)
{
	const struct mapping *mapping = mapping_at(now(call), page);

	return page >= ARENA_PAGE && mapping->kind == (enum kind)call->mutation->mutant->number && !mapping->shared;
}

static inline bool has_shared_kind(const struct task_call *call, size_t page)
{
	const struct mapping *mapping = mapping_at(now(call), page);

	return page >= ARENA_PAGE && mapping->kind == (enum kind)call->mutation->mutant->number && mapping->shared;
}

static inline bool was_on_fault(const struct task_call *call, size_t page)
{
	return lock_at(call->before, page) == LOCK_ON_FAULT;
}

#endif
