/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MCL_ONFAULT */
#include "mutant_acts.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static struct span page_span(size_t page)
{
	return (struct span){ page, page + 1 };
}

static const struct mapping *mapping_at(const struct mm *mm, size_t page)
{
	const struct mapping *mapping = mm_find(mm, page);

	return mm_meets(mm, mapping, page_span(page)) ? mapping : NULL;
}

static enum lock lock_at(const struct mm *mm, size_t page)
{
	const struct mapping *mapping = mapping_at(mm, page);

	return mapping ? mapping->lock : LOCK_NONE;
}

static struct mm *now(const struct deed *deed)
{
	return deed->task->mm;
}

static void put(const struct deed *deed, size_t page, enum lock lock)
{
	if (page < now(deed)->space && lock_at(now(deed), page) != lock)
		mm_set_lock(now(deed), page_span(page), lock);
}

/* The lock that the call gives to what it names. */
static enum lock wanted(const struct deed *deed)
{
	return deed->call & (ON_MUNLOCK | ON_MUNLOCKALL) ? LOCK_NONE : deed->lock;
}

static struct span clamped(const struct deed *deed)
{
	struct span span = deed->span;
	size_t space = deed->before->space;

	return (struct span){ span.start < space ? span.start : space, span.end < space ? span.end : space };
}

/* Pages of the range, of which something holds. */
static void each(struct deed *deed, bool (*is)(const struct deed *deed, size_t page),
		 void (*act)(struct deed *deed, size_t page))
{
	struct span span = clamped(deed);

	for (size_t page = span.start; page < span.end; page++) {
		if (mapping_at(now(deed), page) && (!is || is(deed, page)))
			act(deed, page);
	}
}

static void undo_page(struct deed *deed, size_t page)
{
	put(deed, page, lock_at(deed->before, page));
}

static void do_page(struct deed *deed, size_t page)
{
	put(deed, page, wanted(deed));
}

static void unlock_page(struct deed *deed, size_t page)
{
	put(deed, page, LOCK_NONE);
}

static void evict_page(struct deed *deed, size_t page)
{
	now(deed)->pages[page].resident = false;
}

/* When. */

bool always(const struct deed *deed)
{
	(void)deed;
	return true;
}

bool ok(const struct deed *deed)
{
	return deed->result >= 0;
}

bool failed(const struct deed *deed)
{
	return deed->result < 0;
}

static bool is_empty(struct span span)
{
	return span.start >= span.end;
}

bool at_hole(const struct deed *deed)
{
	return failed(deed) && !is_empty(deed->span) && !mm_is_mapped(deed->before, deed->span) &&
	       deed->span.end <= deed->before->space;
}

bool at_last_hole(const struct deed *deed)
{
	struct span rest = { deed->span.start, deed->span.end - 1 };

	return at_hole(deed) && mm_is_mapped(deed->before, rest);
}

bool at_first_hole(const struct deed *deed)
{
	struct span rest = { deed->span.start + 1, deed->span.end };

	return at_hole(deed) && mm_is_mapped(deed->before, rest);
}

static bool is_aligned(const struct deed *deed)
{
	return deed->address % (1UL << PAGE_SHIFT) == 0;
}

bool at_unaligned_hole(const struct deed *deed)
{
	return at_hole(deed) && !is_aligned(deed);
}

bool for_wrap(const struct deed *deed)
{
	return failed(deed) && (is_empty(deed->span) || deed->span.end > deed->before->space);
}

static bool has_shortage(const struct deed *deed)
{
	return deed->task->faults.injected || deed->task->faults.limited;
}

bool for_limit(const struct deed *deed)
{
	if (deed->call & (ON_MMAP | ON_MAP_LOCKED | ON_MREMAP))
		return deed->result == -EAGAIN && !has_shortage(deed) && !deed->task->privileged;
	if (deed->result != -ENOMEM || deed->task->privileged || has_shortage(deed))
		return false;
	return deed->call & (ON_MLOCKALL | ON_BRK) || mm_is_mapped(deed->before, deed->span);
}

bool for_privilege(const struct deed *deed)
{
	return deed->result == -EPERM;
}

bool for_flags(const struct deed *deed)
{
	return deed->result == -EINVAL;
}

bool for_shortage(const struct deed *deed)
{
	return deed->result == -EAGAIN && !for_limit(deed);
}

bool for_unbacked(const struct deed *deed)
{
	return failed(deed) && mm_is_mapped(deed->before, deed->span) && !mm_is_backed(deed->before, deed->span);
}

bool for_fault(const struct deed *deed)
{
	return failed(deed) && deed->task->faults.injected;
}

bool for_memory(const struct deed *deed)
{
	return for_shortage(deed) && deed->task->faults.limited;
}

bool for_busy(const struct deed *deed)
{
	return deed->result == -EBUSY;
}

bool ok_unaligned(const struct deed *deed)
{
	return ok(deed) && !is_empty(deed->span) && !is_aligned(deed);
}

bool ok_future(const struct deed *deed)
{
	return ok(deed) && now(deed)->future != LOCK_NONE;
}

bool ok_within_future(const struct deed *deed)
{
	return ok(deed) && deed->before->future != LOCK_NONE;
}

bool ok_current(const struct deed *deed)
{
	return ok_within_future(deed) && !(deed->flags & MCL_FUTURE);
}

bool ok_on_fault(const struct deed *deed)
{
	return ok(deed) && (deed->lock == LOCK_ON_FAULT || now(deed)->future == LOCK_ON_FAULT);
}

bool ok_eager(const struct deed *deed)
{
	return ok(deed) && deed->lock == LOCK_EAGER;
}

static bool was_locked(const struct deed *deed, size_t page)
{
	return lock_at(deed->before, page) != LOCK_NONE;
}

static bool any_was_locked(const struct deed *deed)
{
	struct span span = clamped(deed);

	for (size_t page = span.start; page < span.end; page++) {
		if (was_locked(deed, page))
			return true;
	}
	return false;
}

bool ok_locked(const struct deed *deed)
{
	return ok(deed) && any_was_locked(deed);
}

bool ok_unlocked(const struct deed *deed)
{
	return ok(deed) && !any_was_locked(deed);
}

bool ok_privileged(const struct deed *deed)
{
	return ok(deed) && deed->task->privileged && deed->task->memlock != UINT64_MAX;
}

bool ok_limited(const struct deed *deed)
{
	return ok(deed) && !deed->task->privileged;
}

bool ok_current_now(const struct deed *deed)
{
	return ok(deed) && (deed->flags & MCL_CURRENT);
}

bool ok_over_mapping(const struct deed *deed)
{
	return ok_within_future(deed) && mm_mapped_pages(deed->before, deed->span) > 0;
}

bool ok_grown(const struct deed *deed)
{
	return ok(deed) && !mm_is_mapped(deed->before, deed->span);
}

bool for_mixed_flags(const struct deed *deed)
{
	return for_flags(deed) && (deed->flags & (MCL_CURRENT | MCL_FUTURE));
}

bool for_onfault_alone(const struct deed *deed)
{
	return for_flags(deed) && deed->flags == MCL_ONFAULT;
}

bool for_busy_later(const struct deed *deed)
{
	return for_busy(deed) && !was_locked(deed, deed->span.start);
}

bool for_busy_earlier(const struct deed *deed)
{
	return for_busy(deed) && !was_locked(deed, deed->span.end - 1);
}

bool at_map_count(const struct deed *deed)
{
	return deed->before->count >= deed->before->limit;
}

bool at_map_count_failed(const struct deed *deed)
{
	return for_shortage(deed) && !has_shortage(deed) && deed->before->limit != MAX_MAP_COUNT;
}

bool after_exec(const struct deed *deed)
{
	return mm_mapped_pages(deed->before, (struct span){ ARENA_PAGE, deed->before->space }) == 0;
}

bool after_onfault(const struct deed *deed)
{
	return deed->before->future == LOCK_ON_FAULT;
}

bool failed_or_seen(const struct deed *deed)
{
	return failed(deed) || (deed->call & ON_OBSERVE);
}

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

/* MCL_FUTURE. */

void disarm(struct deed *deed)
{
	now(deed)->future = LOCK_NONE;
}

void arm_eager(struct deed *deed)
{
	now(deed)->future = LOCK_EAGER;
}

void restore_future(struct deed *deed)
{
	now(deed)->future = deed->before->future;
}

void cancel_for_good(struct deed *deed)
{
	if (deed->call & ON_MUNLOCKALL)
		deed->mutation->note[0] = 1;
	else if (deed->mutation->note[0])
		disarm(deed);
}

/* Processes. */

static void take_over_in(struct deed *deed, struct span span, bool (*is)(const struct mapping *mapping))
{
	const struct mm *from = deed->before;

	for (size_t page = span.start; page < span.end; page++) {
		const struct mapping *mapping = mapping_at(from, page);

		if (mapping && mapping_at(now(deed), page) && is(mapping))
			put(deed, page, mapping->lock);
	}
}

static void take_over(struct deed *deed, bool (*is)(const struct mapping *mapping))
{
	take_over_in(deed, mm_everything(deed->before), is);
}

static bool is_locked(const struct mapping *mapping)
{
	return mapping->lock != LOCK_NONE;
}

static bool is_shared(const struct mapping *mapping)
{
	return is_locked(mapping) && mapping->shared;
}

static bool is_on_fault(const struct mapping *mapping)
{
	return mapping->lock == LOCK_ON_FAULT;
}

void inherit(struct deed *deed)
{
	take_over(deed, is_locked);
}

void inherit_shared(struct deed *deed)
{
	take_over(deed, is_shared);
}

void inherit_own(struct deed *deed)
{
	take_over_in(deed, (struct span){ 0, ARENA_PAGE }, is_locked);
}

void inherit_kind(struct deed *deed)
{
	int number = deed->mutation->mutant->number;

	for (size_t page = ARENA_PAGE; page < deed->before->space; page++) {
		const struct mapping *mapping = mapping_at(deed->before, page);

		if (mapping && mapping->kind == (enum kind)(number & ~SHARED) && mapping->shared == !!(number & SHARED))
			put(deed, page, mapping->lock);
	}
}

void inherit_on_fault(struct deed *deed)
{
	take_over(deed, is_on_fault);
}

void inherit_future(struct deed *deed)
{
	now(deed)->future = deed->before->future;
}

void adopt(struct deed *deed)
{
	take_over(deed, is_locked);
}

/* Locks in the arena go, where `is` says so of the mapping and of the one, if any, that the other process has there. */
static void lose(struct deed *deed, bool (*is)(const struct mapping *mapping, const struct mapping *other))
{
	for (size_t page = ARENA_PAGE; page < now(deed)->space; page++) {
		const struct mapping *mapping = mapping_at(now(deed), page);

		if (mapping && is_locked(mapping) && is(mapping, mapping_at(deed->before, page)))
			put(deed, page, LOCK_NONE);
	}
}

static bool is_unlocked_there(const struct mapping *mapping, const struct mapping *other)
{
	(void)mapping;
	return other && !is_locked(other);
}

static bool is_shared_unlocked_there(const struct mapping *mapping, const struct mapping *other)
{
	return mapping->shared && is_unlocked_there(mapping, other);
}

static bool is_shared_locked_there(const struct mapping *mapping, const struct mapping *other)
{
	return mapping->shared && other && is_locked(other);
}

static bool is_shared_gone_there(const struct mapping *mapping, const struct mapping *other)
{
	return mapping->shared && !other;
}

void lose_shared(struct deed *deed)
{
	lose(deed, is_shared_unlocked_there);
}

void lose_all(struct deed *deed)
{
	lose(deed, is_unlocked_there);
}

void lose_locked(struct deed *deed)
{
	lose(deed, is_shared_locked_there);
}

void lose_if_gone(struct deed *deed)
{
	lose(deed, is_shared_gone_there);
}

void lose_future(struct deed *deed)
{
	if (deed->before->future == LOCK_NONE)
		disarm(deed);
}

void adopt_future(struct deed *deed)
{
	if (deed->before->future != LOCK_NONE)
		arm_eager(deed);
}

void lock_own(struct deed *deed)
{
	mm_set_lock(now(deed), (struct span){ 0, ARENA_PAGE }, LOCK_EAGER);
}

static size_t object_page_at(const struct mapping *mapping, size_t page)
{
	return mapping->object_page + (page - mapping->span.start);
}

/* Pages of the same object as those of the range. */
void unlock_aliases(struct deed *deed)
{
	struct span span = clamped(deed);

	for (size_t page = span.start; page < span.end; page++) {
		const struct mapping *mapping = mapping_at(deed->before, page);

		for (size_t other = 0; mapping && mapping->object != NO_OBJECT && other < now(deed)->space; other++) {
			const struct mapping *alias = mapping_at(now(deed), other);

			if (alias && alias->object == mapping->object &&
			    object_page_at(alias, other) == object_page_at(mapping, page))
				put(deed, other, LOCK_NONE);
		}
	}
}

/* Notes about pages. */

static void note_locks(struct deed *deed)
{
	struct span span = clamped(deed);

	for (size_t page = span.start; page < span.end; page++)
		deed->mutation->note[page] = was_locked(deed, page);
}

/* How often more than once a page was locked. */
void nest(struct deed *deed)
{
	struct span span = clamped(deed);

	for (size_t page = span.start; page < span.end; page++) {
		unsigned char *depth = &deed->mutation->note[page];

		if (!was_locked(deed, page))
			continue;
		if (deed->call & (ON_MUNLOCK | ON_MUNLOCKALL)) {
			if (*depth > 0)
				undo_page(deed, page);
			*depth -= *depth > 0;
		} else {
			++*depth;
		}
	}
}

static bool is_noted(const struct deed *deed, size_t page)
{
	return deed->mutation->note[page];
}

static void lock_page(struct deed *deed, size_t page)
{
	put(deed, page, LOCK_EAGER);
}

void lock_noted(struct deed *deed)
{
	if (deed->call & ON_MUNMAP)
		note_locks(deed);
	else
		each(deed, is_noted, lock_page);
}

void inherit_noted(struct deed *deed)
{
	each(deed, was_locked, lock_page);
}

void lock_unlocked(struct deed *deed)
{
	each(deed, NULL, lock_page);
}

/* Snapshots. */

void misreport(struct deed *deed)
{
	if (deed->call & ON_OBSERVE)
		deed->snapshot->accounted += deed->mutation->drift;
	else
		deed->mutation->drift += deed->mutation->mutant->number;
}

void count_eager_only(struct deed *deed)
{
	const char *strip = deed->snapshot->smaps;

	for (size_t page = 0; page < deed->snapshot->pages; page++)
		deed->snapshot->accounted -= strip[page] == 'F';
}

void hide_last_lock(struct deed *deed)
{
	char *strip = deed->snapshot->smaps;
	size_t page = deed->snapshot->pages;

	while (page > 0 && strip[page - 1] != 'L' && strip[page - 1] != 'F')
		page--;
	if (page > 0)
		strip[page - 1] = '.';
}

/* Before the call. */

static void remember_limit(struct deed *deed, uint64_t bytes)
{
	deed->mutation->kept = deed->task->memlock;
	deed->task->memlock = bytes;
}

void more_allowed(struct deed *deed)
{
	uint64_t memlock = deed->task->memlock;
	int64_t more = (int64_t)deed->mutation->mutant->number * (1 << PAGE_SHIFT);
	bool underflows = more < 0 && memlock < (uint64_t)-more;

	remember_limit(deed, memlock == UINT64_MAX || memlock == 0 || underflows ? memlock : memlock + (uint64_t)more);
}

void zero_as_none(struct deed *deed)
{
	uint64_t memlock = deed->task->memlock;

	remember_limit(deed, memlock ? memlock : UINT64_MAX);
}

void round_limit_up(struct deed *deed)
{
	uint64_t memlock = deed->task->memlock, part = memlock % (1 << PAGE_SHIFT);

	remember_limit(deed, part && memlock != UINT64_MAX ? memlock - part + (1 << PAGE_SHIFT) : memlock);
}

/* What is locked in the range already is taken off once more. */
void count_twice(struct deed *deed)
{
	uint64_t memlock = deed->task->memlock;
	uint64_t twice = (uint64_t)mm_locked_pages(now(deed), clamped(deed)) << PAGE_SHIFT;

	remember_limit(deed, memlock == UINT64_MAX || memlock < twice ? memlock : memlock - twice);
}

void as_privileged(struct deed *deed)
{
	deed->mutation->kept = deed->task->privileged;
	deed->task->privileged = true;
}

void as_unprivileged(struct deed *deed)
{
	deed->mutation->kept = deed->task->privileged;
	deed->task->privileged = false;
}

void restore(struct deed *deed)
{
	const struct mutant *mutant = deed->mutation->mutant;

	if (mutant->arrange == as_privileged || mutant->arrange == as_unprivileged)
		deed->task->privileged = deed->mutation->kept;
	else
		deed->task->memlock = deed->mutation->kept;
}
