/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libposixmlock.so: mlock, mlock2, munlock, mlockall and munlockall that change
 * no lock when they fail, on kernels that do. Each call learns what it would
 * have to restore, makes the call, and restores it where the call fails.
 * docs/posixmlock.md says what it promises, and where it ends.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "inner_calls.h"
#include "lock_call.h"
#include "modes.h"
#include "observe.h"
#include "report.h"
#include "restore.h"
#include "state.h"
#include "trial_mapping.h"
#include "under_way.h"

#define EXPORTED __attribute__((visibility("default")))

enum { MANY_PAGES = 4096 }; /* more than can be asked about one by one without being noticed */

extern __typeof__(pthread_setcancelstate) pthread_setcancelstate __attribute__((weak));

/*
 * What is unlocked is locked as a rule: that a few pages are is asked page by
 * page at once. False: it is not so simple.
 */
static bool observe_alone(const struct lock_call *call, struct address_range pages)
{
	struct alone *alone = &state.under_way.alone;
	struct address_range page = { pages.start, pages.start };

	alone->pages = pages;
	alone->locked = 0;
	if (call->operation != UNLOCK || count_pages(pages) > FEW_PAGES) {
		int said = ask_locked(pages);

		if (said != EBUSY || count_pages(pages) > FEW_PAGES)
			return said == 0;
	}
	for (unsigned i = 0; page.end < pages.end; i++) {
		int said;

		page = (struct address_range){ page.end, page.end + page_size() };
		said = ask_locked(page);
		if (said == EBUSY)
			alone->locked |= UINT32_C(1) << i;
		else if (said != 0)
			return false;
	}
	return true;
}

/*
 * All of the range is mapped. To unlock it, or to lock it on fault, brings in
 * no page, so that little is left that could fail.
 */
static bool can_go_unseen(const struct lock_call *call, struct address_range pages)
{
	return !call_is_about_all(call) && call_mode(call) != EAGER && count_pages(pages) > MANY_PAGES &&
	       !can_see_mappings() && has_room_for_mappings();
}

/* What would have to be restored is entered in a record; its ticket, or 0: it cannot be known. */
static uint32_t begin_beside_others(const struct lock_call *call, struct address_range pages)
{
	struct section section;
	struct record *record;
	uint32_t ticket = 0;

	if (!section_enter(&section))
		return 0;
	records_join();
	record = record_new(pages);
	if (record) {
		modes_expect(call, record_is_only(record));
		record->unseen = can_go_unseen(call, pages);
		if (record->unseen || learn(record) || call_is_about_all(call))
			ticket = record->ticket;
		else
			record_end(record);
	}
	section_leave(&section);
	return ticket;
}

/* A child that was forked inside the call has none of the locks that were there when it began. */
static struct record *record_of_child(const struct lock_call *call, struct address_range pages)
{
	struct record *record = record_new(pages);

	modes_expect(call, false);
	if (record && learn(record))
		runs_set_all(&record->before, NOT_LOCKED);
	return record;
}

/* Its record. Where a call that failed has put back pages that are this one's, too, it is made once more. */
static struct record *record_at_end(const struct lock_call *call, struct address_range pages, uint32_t ticket,
				    struct section *section, int *result)
{
	for (;;) {
		struct record *record = record_of(ticket);

		if (!record)
			record = record_of_child(call, pages);
		if (!record || *result < 0 || !record->disturbed)
			return record;
		record->disturbed = false;
		ticket = record->ticket;
		section_leave(section);
		*result = call_make(call);
		section_enter(section);
		records_join();
	}
}

static void note_success(const struct lock_call *call, const struct record *record)
{
	modes_note(call, record->pages, &record->before);
	for (struct record *other = NULL; (other = record_beside(record, other));) {
		if (call_is_about_all(call))
			runs_set_all(&other->before, call_mode(call));
		else if (!runs_set(&other->before, common(record->pages, other->pages), call_mode(call)))
			other->unseen = true;
	}
}

static void undo(const struct lock_call *call, struct record *record, int error)
{
	restore(call, record, error);
	for (struct record *other = NULL; (other = record_beside(record, other));)
		other->disturbed = true;
}

static int end_beside_others(const struct lock_call *call, struct address_range pages, uint32_t ticket, int result)
{
	struct section section;
	struct record *record;

	if (!section_enter(&section))
		return result;
	records_join();
	record = record_at_end(call, pages, ticket, &section, &result);
	if (record && result == 0)
		note_success(call, record);
	else if (record)
		undo(call, record, -result);
	if (record)
		record_end(record);
	section_leave(&section);
	return result;
}

static int make_beside_others(const struct lock_call *call, struct address_range pages)
{
	uint32_t ticket = begin_beside_others(call, pages);

	return ticket ? end_beside_others(call, pages, ticket, call_make(call)) : -EAGAIN;
}

/* False: there are others, or more to learn, and nothing was done. */
static bool make_alone(const struct lock_call *call, struct address_range pages, int *result)
{
	uint32_t ticket = alone_enter();

	if (!ticket)
		return false;
	if (call_is_about_all(call) || call_mode(call) == ON_FAULT || state.modes.matter ||
	    !observe_alone(call, pages)) {
		alone_leave(ticket);
		return false;
	}
	if (!alone_start(ticket))
		return false;
	*result = call_make(call);
	if (*result < 0 || !alone_end(ticket))
		*result = end_beside_others(call, pages, ticket, *result);
	return true;
}

/*
 * At a page that is not mapped the call fails as it does over the whole range,
 * and changes nothing. False: there is none, or there was one.
 */
static bool fail_at_hole(const struct lock_call *call, struct address_range pages, int *result)
{
	struct address_range hole = { 0, 0 };

	if (!call_is_about_all(call))
		hole = find_hole(pages);
	if (is_empty(hole))
		return false;
	*result = call_make_on(call, hole);
	if (*result == 0 && call_mode(call) != NOT_LOCKED)
		inner.munlock((void *)hole.start, hole.end - hole.start);
	return *result < 0;
}

static int make(const struct lock_call *call)
{
	struct address_range pages = call_pages(call);
	int result;

	if (is_empty(pages) && !call_is_about_all(call))
		return call_make(call);
	if (make_alone(call, pages, &result) || fail_at_hole(call, pages, &result))
		return result;
	return make_beside_others(call, pages);
}

/* A thread that is cancelled inside (msync is a cancellation point) would not come to an end with its call. */
static int answer(const struct lock_call *call)
{
	int cancel_state = 0, error = errno, result;

	if (pthread_setcancelstate)
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	state_prepare();
	result = make(call);
	if (pthread_setcancelstate)
		pthread_setcancelstate(cancel_state, NULL);
	errno = result < 0 ? -result : error;
	return result < 0 ? -1 : 0;
}

EXPORTED int mlock(const void *address, size_t length)
{
	return answer(&(struct lock_call){ LOCK, (uintptr_t)address, length, 0 });
}

EXPORTED int mlock2(const void *address, size_t length, unsigned flags)
{
	return answer(&(struct lock_call){ LOCK2, (uintptr_t)address, length, (int)flags });
}

EXPORTED int munlock(const void *address, size_t length)
{
	return answer(&(struct lock_call){ UNLOCK, (uintptr_t)address, length, 0 });
}

EXPORTED int mlockall(int flags)
{
	return answer(&(struct lock_call){ LOCK_ALL, 0, 0, flags });
}

EXPORTED int munlockall(void)
{
	return answer(&(struct lock_call){ UNLOCK_ALL, 0, 0, 0 });
}

__attribute__((constructor)) static void start(void)
{
	inner_calls_find();
	report_start();
}
