/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MUTANT_PAGES_H
#define LOCKPROOF_MUTANT_PAGES_H

/* Pages as mutants see them: before a call, and after it. */

#include "mutant_acts.h"

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

static inline struct mm *now(const struct deed *deed)
{
	return deed->task->mm;
}

static inline void put(const struct deed *deed, size_t page, enum lock lock)
{
	if (page < now(deed)->space && lock_at(now(deed), page) != lock)
		mm_set_lock(now(deed), page_span(page), lock);
}

/* The lock that the call gives to what it names. */
static inline enum lock wanted(const struct deed *deed)
{
	return deed->call & (ON_MUNLOCK | ON_MUNLOCKALL) ? LOCK_NONE : deed->lock;
}

static inline struct span clamped(const struct deed *deed)
{
	struct span span = deed->span;
	size_t space = deed->before->space;

	return (struct span){ span.start < space ? span.start : space, span.end < space ? span.end : space };
}

/* Pages of the range, of which something holds. */
static inline void each(struct deed *deed, bool (*is)(const struct deed *deed, size_t page),
			void (*act)(struct deed *deed, size_t page))
{
	struct span span = clamped(deed);

	for (size_t page = span.start; page < span.end; page++) {
		if (mapping_at(now(deed), page) && (!is || is(deed, page)))
			act(deed, page);
	}
}

static inline void undo_page(struct deed *deed, size_t page)
{
	put(deed, page, lock_at(deed->before, page));
}

static inline void do_page(struct deed *deed, size_t page)
{
	put(deed, page, wanted(deed));
}

static inline void unlock_page(struct deed *deed, size_t page)
{
	put(deed, page, LOCK_NONE);
}

static inline void evict_page(struct deed *deed, size_t page)
{
	now(deed)->pages[page].resident = false;
}

static inline bool is_empty(struct span span)
{
	return span.start >= span.end;
}

static inline bool was_locked(const struct deed *deed, size_t page)
{
	return lock_at(deed->before, page) != LOCK_NONE;
}

static inline bool any_was_locked(const struct deed *deed)
{
	struct span span = clamped(deed);

	for (size_t page = span.start; page < span.end; page++) {
		if (was_locked(deed, page))
			return true;
	}
	return false;
}

#endif
