/* SPDX-License-Identifier: Apache-2.0 */
#include "mutant_pages.h"

/* Results. */

void give(struct deed *deed)
{
	deed->result = -deed->mutation->mutant->number;
}

void undo(struct deed *deed)
{
	mm_copy(now(deed), deed->before);
}

void succeed(struct deed *deed)
{
	deed->result = 0;
}

void succeed_all(struct deed *deed)
{
	each(deed, NULL, do_page);
	deed->result = 0;
}

void give_and_undo(struct deed *deed)
{
	undo(deed);
	give(deed);
}

void succeed_evicted(struct deed *deed)
{
	each(deed, NULL, evict_page);
	deed->result = 0;
}

void commit_anyway(struct deed *deed)
{
	mm_copy(now(deed), deed->task->draft);
	deed->result = 0;
}

void map_unlocked(struct deed *deed)
{
	commit_anyway(deed);
	unlock_range(deed);
}

/* Locks of the range. */

void undo_first_page(struct deed *deed)
{
	if (!is_empty(deed->span))
		undo_page(deed, deed->span.start);
}

void undo_last_page(struct deed *deed)
{
	if (!is_empty(deed->span))
		undo_page(deed, deed->span.end - 1);
}

/* Number of the mapping, from 0, that a page of the range was in, among those that the range meets in the arena. */
static size_t order(const struct deed *deed, size_t page)
{
	size_t start = deed->span.start < ARENA_PAGE ? ARENA_PAGE : deed->span.start;

	return (size_t)(mm_find(deed->before, page) - mm_find(deed->before, start));
}

static bool is_in_first(const struct deed *deed, size_t page)
{
	return page >= ARENA_PAGE && order(deed, page) == 0;
}

static bool is_in_second(const struct deed *deed, size_t page)
{
	return page >= ARENA_PAGE && order(deed, page) == 1;
}

static bool is_in_last(const struct deed *deed, size_t page)
{
	return mapping_at(deed->before, page) == mm_find(deed->before, clamped(deed).end - 1) ||
	       mapping_at(deed->before, page) == deed->before->mappings + deed->before->count - 1;
}

static bool has_kind(const struct deed *deed, size_t page)
{
	const struct mapping *mapping = mapping_at(now(deed), page);

	return page >= ARENA_PAGE && mapping->kind == (enum kind)deed->mutation->mutant->number && !mapping->shared;
}

static bool has_shared_kind(const struct deed *deed, size_t page)
{
	const struct mapping *mapping = mapping_at(now(deed), page);

	return page >= ARENA_PAGE && mapping->kind == (enum kind)deed->mutation->mutant->number && mapping->shared;
}

static bool has_protection(const struct deed *deed, size_t page)
{
	return page >= ARENA_PAGE && mapping_at(now(deed), page)->protection == deed->mutation->mutant->number;
}

static bool is_own(const struct deed *deed, size_t page)
{
	(void)deed;
	return page < ARENA_PAGE;
}

static bool was_on_fault(const struct deed *deed, size_t page)
{
	return lock_at(deed->before, page) == LOCK_ON_FAULT;
}

void undo_first_mapping(struct deed *deed)
{
	each(deed, is_in_first, undo_page);
}

void undo_second_mapping(struct deed *deed)
{
	each(deed, is_in_second, undo_page);
}

void undo_last_mapping(struct deed *deed)
{
	each(deed, is_in_last, undo_page);
}

void undo_kind(struct deed *deed)
{
	each(deed, has_kind, undo_page);
}

void undo_shared_kind(struct deed *deed)
{
	each(deed, has_shared_kind, undo_page);
}

void undo_protection(struct deed *deed)
{
	each(deed, has_protection, undo_page);
}

void undo_own(struct deed *deed)
{
	each(deed, is_own, undo_page);
}

void undo_on_fault(struct deed *deed)
{
	each(deed, was_on_fault, undo_page);
}

void undo_locked(struct deed *deed)
{
	each(deed, was_locked, unlock_page);
}

void one_more(struct deed *deed)
{
	if (!is_empty(deed->span))
		put(deed, deed->span.end, wanted(deed));
}

void one_before(struct deed *deed)
{
	if (!is_empty(deed->span))
		put(deed, deed->span.start - 1, wanted(deed));
}

void whole_mapping(struct deed *deed)
{
	const struct mapping *mapping = mapping_at(deed->before, deed->span.start);

	if (mapping)
		mm_set_lock(now(deed), mapping->span, wanted(deed));
}

/* What a failure leaves. */

static bool is_in_prefix(const struct deed *deed, size_t page)
{
	return mm_is_mapped(deed->before, (struct span){ deed->span.start, page + 1 });
}

static bool is_in_suffix(const struct deed *deed, size_t page)
{
	return !is_in_prefix(deed, page);
}

static bool is_in_half(const struct deed *deed, size_t page)
{
	struct span span = clamped(deed);

	return page < span.start + (span.end - span.start + 1) / 2;
}

void do_prefix(struct deed *deed)
{
	each(deed, is_in_prefix, do_page);
}

void do_half(struct deed *deed)
{
	each(deed, is_in_half, do_page);
}

void do_mapped(struct deed *deed)
{
	each(deed, NULL, do_page);
}

void do_suffix(struct deed *deed)
{
	each(deed, is_in_suffix, do_page);
}

void do_first_mapping(struct deed *deed)
{
	each(deed, is_in_first, do_page);
}

void do_own(struct deed *deed)
{
	each(deed, is_own, do_page);
}

static bool is_in_half_of_arena(const struct deed *deed, size_t page)
{
	return page >= ARENA_PAGE && page < ARENA_PAGE + (deed->before->space - ARENA_PAGE + 1) / 2;
}

void do_half_of_arena(struct deed *deed)
{
	each(deed, is_in_half_of_arena, do_page);
}

void lock_all(struct deed *deed)
{
	mm_set_lock(now(deed), mm_everything(now(deed)), LOCK_EAGER);
}

void lock_before(struct deed *deed)
{
	put(deed, deed->span.start - 1, LOCK_EAGER);
}

void lock_like_neighbour(struct deed *deed)
{
	enum lock lock = lock_at(deed->before, deed->span.start - 1);

	if (lock != LOCK_NONE)
		mm_set_lock(now(deed), deed->span, lock);
}

void unlock_kind(struct deed *deed)
{
	each(deed, has_kind, unlock_page);
}

void unlock_shared_kind(struct deed *deed)
{
	each(deed, has_shared_kind, unlock_page);
}

void unlock_range(struct deed *deed)
{
	each(deed, NULL, unlock_page);
}

void unlock_everything(struct deed *deed)
{
	mm_set_lock(now(deed), mm_everything(now(deed)), LOCK_NONE);
}

void unlock_outside(struct deed *deed)
{
	struct span span = clamped(deed), all = mm_everything(now(deed));

	mm_set_lock(now(deed), (struct span){ all.start, span.start }, LOCK_NONE);
	mm_set_lock(now(deed), (struct span){ span.end, all.end }, LOCK_NONE);
}

void spread(struct deed *deed)
{
	if (any_was_locked(deed))
		each(deed, NULL, do_page);
}

static void make_eager(struct deed *deed, size_t page)
{
	if (was_on_fault(deed, page))
		put(deed, page, LOCK_EAGER);
}

void change_mode(struct deed *deed)
{
	each(deed, NULL, make_eager);
}

void split(struct deed *deed)
{
	struct span inside = { deed->span.start + 1, deed->span.end };

	mm_split(now(deed), deed->span);
	mm_split(now(deed), inside);
}

/* For good: later calls do not merge there either. All behind it is set apart, so that only this boundary differs. */
static void keep_boundary(struct mm *mm, size_t page)
{
	struct mapping *m;

	mm_split(mm, (struct span){ page, page });
	m = mm_find(mm, page);
	if (m == mm->mappings || !mm_meets(mm, m, page_span(page)) || m[-1].span.end != page || m[-1].apart != m->apart)
		return;
	for (; mm_meets(mm, m, mm_everything(mm)); m++)
		m->apart = !m->apart;
}

void stay_split(struct deed *deed)
{
	const struct mm *before = deed->before;

	for (const struct mapping *m = mm_find(before, deed->span.start); mm_meets(before, m, deed->span); m++) {
		keep_boundary(now(deed), m->span.start);
		keep_boundary(now(deed), m->span.end);
	}
}

void eat_headroom(struct deed *deed)
{
	struct span span = clamped(deed);
	uint64_t bytes = (uint64_t)(span.end - span.start) << PAGE_SHIFT;

	if (deed->task->memlock != UINT64_MAX)
		deed->task->memlock -= deed->task->memlock < bytes ? deed->task->memlock : bytes;
}

/* Modes and residency. */

static void set_mode(struct deed *deed, enum lock from, enum lock to)
{
	struct span span = clamped(deed);

	for (size_t page = span.start; page < span.end; page++) {
		if (lock_at(now(deed), page) == from)
			put(deed, page, to);
	}
}

void lock_on_fault(struct deed *deed)
{
	set_mode(deed, LOCK_EAGER, LOCK_ON_FAULT);
}

void lock_eager(struct deed *deed)
{
	set_mode(deed, LOCK_ON_FAULT, LOCK_EAGER);
}

void populate(struct deed *deed)
{
	mm_populate(now(deed), clamped(deed));
}

static bool was_absent(const struct deed *deed, size_t page)
{
	return !deed->before->pages[page].resident || !mapping_at(deed->before, page);
}

void evict(struct deed *deed)
{
	each(deed, deed->call & (ON_MUNLOCK | ON_MPROTECT) ? NULL : was_absent, evict_page);
}

void evict_last_page(struct deed *deed)
{
	if (!is_empty(deed->span) && deed->span.end <= now(deed)->space)
		evict_page(deed, deed->span.end - 1);
}

void evict_next_page(struct deed *deed)
{
	if (mapping_at(now(deed), deed->span.end))
		evict_page(deed, deed->span.end);
}

void evict_kind(struct deed *deed)
{
	each(deed, has_kind, evict_page);
}

void evict_shared_kind(struct deed *deed)
{
	each(deed, has_shared_kind, evict_page);
}
