/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "restore.h"

#include <stddef.h>
#include <sys/mman.h>

#include "inner_calls.h"
#include "modes.h"
#include "observe.h"
#include "report.h"
#include "state.h"
#include "trial_mapping.h"

enum { ROUNDS = 4 }; /* of mending and looking; what a call does not do the first time, it may do the second time */

struct restoration {
	const struct record *record;
	struct failed_call failed;
	const struct run *run; /* the first that does not end below what is compared */
	enum observer observer;
	bool doubtful; /* locks that look alike may be in the mode of the failed call */
	bool last;     /* only looks, and reports */
	bool clean;
	bool refused; /* a call that mends has failed */
};

/* Whether it worked shows when it is looked at again: an errno says little, as with the call that failed. */
static int set_mode(struct address_range range, enum mode mode)
{
	void *start = (void *)range.start;
	size_t length = range.end - range.start;

	if (mode == NOT_LOCKED)
		return inner.munlock(start, length);
	if (mode == ON_FAULT)
		return inner.mlock2(start, length, MLOCK_ONFAULT);
	return inner.mlock(start, length);
}

static bool differs(const struct restoration *restoration, enum mode before, enum mode now)
{
	if (before == NOT_LOCKED || now == NOT_LOCKED)
		return before != now;
	if (before == LOCKED)
		return false;
	if (now == LOCKED)
		return restoration->doubtful && before != call_mode(restoration->failed.call);
	return before != now;
}

static void mend(struct restoration *restoration, struct address_range range, enum mode before, enum mode now)
{
	restoration->clean = false;
	if (restoration->last)
		report_difference(&restoration->failed, range, before, now);
	else if (set_mode(range, before) < 0)
		restoration->refused = true;
}

/* What was not mapped before the call is left alone: a stack that has grown, or what another thread has mapped. */
static void compare(void *self, struct address_range pages, enum mode now)
{
	struct restoration *restoration = self;

	while (!is_empty(pages)) {
		const struct run *run = restoration->run;
		struct address_range part;

		if (!run || run->pages.start >= pages.end)
			return;
		part = common(run->pages, pages);
		if (!is_empty(part) && differs(restoration, (enum mode)run->mode, now))
			mend(restoration, part, (enum mode)run->mode, now);
		if (run->pages.end > pages.end)
			return;
		pages.start = run->pages.end;
		restoration->run = runs_next(run);
	}
}

static void compare_all(struct restoration *restoration)
{
	const struct record *record = restoration->record;

	restoration->run = runs_first(&record->before);
	if (observe_locks(record->pages, restoration->observer, compare, restoration))
		return;
	restoration->clean = false;
	if (restoration->last)
		report_trouble(&restoration->failed, "the-locks-cannot-be-seen");
}

/* MCL_FUTURE alone arms and locks nothing. Nothing disarms alone: munlockall does, and the locks come back afterwards. */
static void restore_future(struct restoration *restoration, bool first)
{
	int future = state.modes.future;
	bool armed = is_future_armed(future);

	if (armed != (future != 0))
		restoration->clean = false;
	if (restoration->last) {
		if (!restoration->clean)
			report_trouble(&restoration->failed, armed ? "MCL_FUTURE-is-armed" : "MCL_FUTURE-is-not-armed");
	} else if (future && (first || !armed)) {
		inner.mlockall(future);
	} else if (!future && armed) {
		inner.munlockall();
	}
}

static bool lacks_modes(const struct record *record)
{
	for (const struct run *run = runs_first(&record->before); run; run = runs_next(run)) {
		if (run->mode == LOCKED)
			return true;
	}
	return false;
}

/* A call about what is mapped in future has not looked at what is mapped: its locks are those of now. */
static bool is_nothing_to_mend(const struct lock_call *call, struct record *record)
{
	if (!call_is_about_all(call) || !is_empty(record->pages))
		return is_empty(record->pages);
	if (is_future_armed(state.modes.future) == (state.modes.future != 0))
		return true;
	record->pages = (struct address_range){ 0, UINTPTR_MAX };
	learn(record);
	return false;
}

void restore(const struct lock_call *call, struct record *record, int error)
{
	struct restoration restoration = { .record = record, .failed = { call, error } };
	bool sets_a_mode = call_mode(call) != NOT_LOCKED;

	if (is_nothing_to_mend(call, record))
		return;
	if (record->unseen) {
		report_trouble(&restoration.failed, "the-locks-before-the-call-could-not-be-seen");
		return;
	}
	restoration.doubtful = state.modes.matter && sets_a_mode;
	for (int round = 0; round < ROUNDS && !restoration.clean; round++) {
		restoration.clean = true;
		restoration.last = round == ROUNDS - 1;
		restoration.refused = false;
		if (call_is_about_all(call))
			restore_future(&restoration, round == 0);
		compare_all(&restoration);
		restoration.doubtful = state.modes.matter && restoration.refused;
		restoration.observer = restoration.doubtful ? BY_SMAPS : BY_MSYNC;
	}
	if (sets_a_mode && lacks_modes(record))
		report_trouble(&restoration.failed, "the-modes-before-the-call-could-not-be-seen");
}
