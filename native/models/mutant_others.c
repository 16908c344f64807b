/* SPDX-License-Identifier: Apache-2.0 */
#include "mutant_pages.h"

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
