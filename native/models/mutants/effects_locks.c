/* SPDX-License-Identifier: Apache-2.0 */
#include "mutants/call_pages.h"

/* Locks of the range. */

void undo_first_page(struct task_call *call)
{
	if (!is_empty(call->span))
		undo_page(call, call->span.start);
}

void undo_last_page(struct task_call *call)
{
	if (!is_empty(call->span))
		undo_page(call, call->span.end - 1);
}

/* Number of the mapping, from 0, that a page of the range was in, among those that the range meets in the arena. */
static size_t order(const struct task_call *call, size_t page)
{
	size_t start = call->span.start < ARENA_PAGE ? ARENA_PAGE : call->span.start;

	return (size_t)(mm_find(call->before, page) - mm_find(call->before, start));
}

static bool is_in_first(const struct task_call *call, size_t page)
{
	return page >= ARENA_PAGE && order(call, page) == 0;
}

static bool is_in_second(const struct task_call *call, size_t page)
{
	return page >= ARENA_PAGE && order(call, page) == 1;
}

static bool is_in_last(const struct task_call *call, size_t page)
{
	return mapping_at(call->before, page) == mm_find(call->before, clamped(call).end - 1) ||
	       mapping_at(call->before, page) == call->before->mappings + call->before->count - 1;
}

static bool has_protection(const struct task_call *call, size_t page)
{
	return page >= ARENA_PAGE && mapping_at(now(call), page)->protection == call->mutation->mutant->number;
}

static bool is_own(const struct task_call *call, size_t page)
{
	(void)call;
	return page < ARENA_PAGE;
}

void undo_first_mapping(struct task_call *call)
{
	each(call, is_in_first, undo_page);
}

void undo_second_mapping(struct task_call *call)
{
	each(call, is_in_second, undo_page);
}

void undo_last_mapping(struct task_call *call)
{
	each(call, is_in_last, undo_page);
}

void undo_kind(struct task_call *call)
{
	each(call, has_kind, undo_page);
}

void undo_shared_kind(struct task_call *call)
{
	each(call, has_shared_kind, undo_page);
}

void undo_protection(struct task_call *call)
{
	each(call, has_protection, undo_page);
}

void undo_own(struct task_call *call)
{
	each(call, is_own, undo_page);
}

void undo_on_fault(struct task_call *call)
{
	each(call, was_on_fault, undo_page);
}

void undo_locked(struct task_call *call)
{
	each(call, was_locked, unlock_page);
}

void one_more(struct task_call *call)
{
	if (!is_empty(call->span))
		put(call, call->span.end, wanted(call));
}

void one_before(struct task_call *call)
{
	if (!is_empty(call->span))
		put(call, call->span.start - 1, wanted(call));
}

void whole_mapping(struct task_call *call)
{
	const struct mapping *mapping = mapping_at(call->before, call->span.start);

	if (mapping)
		mm_set_lock(now(call), mapping->span, wanted(call));
}

/* What a failure leaves. */

static bool is_in_prefix(const struct task_call *call, size_t page)
{
	return mm_is_mapped(call->before, (struct span){ call->span.start, page + 1 });
}

static bool is_in_suffix(const struct task_call *call, size_t page)
{
	return !is_in_prefix(call, page);
}

static bool is_in_half(const struct task_call *call, size_t page)
{
	struct span span = clamped(call);

	return page < span.start + (span.end - span.start + 1) / 2;
}

void do_prefix(struct task_call *call)
{
	each(call, is_in_prefix, do_page);
}

void do_half(struct task_call *call)
{
	each(call, is_in_half, do_page);
}

void do_mapped(struct task_call *call)
{
	each(call, NULL, do_page);
}

void do_suffix(struct task_call *call)
{
	each(call, is_in_suffix, do_page);
}

void do_first_mapping(struct task_call *call)
{
	each(call, is_in_first, do_page);
}

void do_own(struct task_call *call)
{
	each(call, is_own, do_page);
}

static bool is_in_half_of_arena(const struct task_call *call, size_t page)
{
	return page >= ARENA_PAGE && page < ARENA_PAGE + (call->before->space - ARENA_PAGE + 1) / 2;
}

void do_half_of_arena(struct task_call *call)
{
	each(call, is_in_half_of_arena, do_page);
}

void lock_all(struct task_call *call)
{
	mm_set_lock(now(call), mm_everything(now(call)), LOCK_EAGER);
}

void lock_before(struct task_call *call)
{
	put(call, call->span.start - 1, LOCK_EAGER);
}

void lock_like_neighbour(struct task_call *call)
{
	enum lock lock = lock_at(call->before, call->span.start - 1);

	if (lock != LOCK_NONE)
		mm_set_lock(now(call), call->span, lock);
}

void unlock_kind(struct task_call *call)
{
	each(call, has_kind, unlock_page);
}

void unlock_shared_kind(struct task_call *call)
{
	each(call, has_shared_kind, unlock_page);
}

void unlock_range(struct task_call *call)
{
	each(call, NULL, unlock_page);
}

void unlock_everything(struct task_call *call)
{
	mm_set_lock(now(call), mm_everything(now(call)), LOCK_NONE);
}

void unlock_outside(struct task_call *call)
{
	struct span span = clamped(call), all = mm_everything(now(call));

	mm_set_lock(now(call), (struct span){ all.start, span.start }, LOCK_NONE);
	mm_set_lock(now(call), (struct span){ span.end, all.end }, LOCK_NONE);
}

void spread(struct task_call *call)
{
	if (any_was_locked(call))
		each(call, NULL, do_page);
}

static void make_eager(struct task_call *call, size_t page)
{
	if (was_on_fault(call, page))
		put(call, page, LOCK_EAGER);
}

void change_mode(struct task_call *call)
{
	each(call, NULL, make_eager);
}

void split(struct task_call *call)
{
	struct span inside = { call->span.start + 1, call->span.end };

	mm_split(now(call), call->span);
	mm_split(now(call), inside);
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

void stay_split(struct task_call *call)
{
	const struct mm *before = call->before;

	for (const struct mapping *m = mm_find(before, call->span.start); mm_meets(before, m, call->span); m++) {
		keep_boundary(now(call), m->span.start);
		keep_boundary(now(call), m->span.end);
	}
}

void eat_headroom(struct task_call *call)
{
	struct span span = clamped(call);
	uint64_t bytes = (uint64_t)(span.end - span.start) << PAGE_SHIFT;

	if (call->task->memlock != UINT64_MAX)
		call->task->memlock -= call->task->memlock < bytes ? call->task->memlock : bytes;
}

/* Notes about pages. */

static void note_locks(struct task_call *call)
{
	struct span span = clamped(call);

	for (size_t page = span.start; page < span.end; page++)
		call->mutation->note[page] = was_locked(call, page);
}

/* How often more than once a page was locked. */
void nest(struct task_call *call)
{
	struct span span = clamped(call);

	for (size_t page = span.start; page < span.end; page++) {
		unsigned char *depth = &call->mutation->note[page];

		if (!was_locked(call, page))
			continue;
		if (call->kind & (ON_MUNLOCK | ON_MUNLOCKALL)) {
			if (*depth > 0)
				undo_page(call, page);
			*depth -= *depth > 0;
		} else {
			++*depth;
		}
	}
}

static bool is_noted(const struct task_call *call, size_t page)
{
	return call->mutation->note[page];
}

static void lock_page(struct task_call *call, size_t page)
{
	put(call, page, LOCK_EAGER);
}

void lock_noted(struct task_call *call)
{
	if (call->kind & ON_MUNMAP)
		note_locks(call);
	else
		each(call, is_noted, lock_page);
}

void inherit_noted(struct task_call *call)
{
	each(call, was_locked, lock_page);
}

void lock_unlocked(struct task_call *call)
{
	each(call, NULL, lock_page);
}

void grow_unlocked(struct task_call *call)
{
	struct mapping more = *mm_find(now(call), call->span.start);

	more.span = call->span;
	more.lock = LOCK_NONE;
	mm_map(now(call), &more);
	call->result = 0;
}
