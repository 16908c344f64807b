/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "modes.h"

#include <stddef.h>
#include <sys/mman.h>

#include "inner_calls.h"
#include "state.h"
#include "trial_mapping.h"

/* What is mapped under one MCL_FUTURE cannot be told from what was under another. */
static void note_future(int future)
{
	if (state.modes.future != future)
		runs_drop(&state.modes.asked);
	state.modes.future = future;
}

/* A system call that was not seen may have armed or disarmed it. */
void modes_expect(const struct lock_call *call, bool alone)
{
	if (call_mode(call) == ON_FAULT)
		state.modes.matter = true;
	if (alone && call_is_about_all(call) && is_future_armed(state.modes.future) != (state.modes.future != 0))
		note_future(state.modes.future ? 0 : MCL_FUTURE);
}

static void note_pages(struct address_range pages, enum mode mode)
{
	bool noted =
		mode == NOT_LOCKED ? runs_forget(&state.modes.asked, pages) : runs_set(&state.modes.asked, pages, mode);

	if (!noted)
		runs_drop(&state.modes.asked);
}

/* Together with MCL_FUTURE all there will ever be is in one mode; else what is mapped later may be locked in another. */
void modes_note(const struct lock_call *call, struct address_range pages, const struct runs *mapped)
{
	bool armed = call->operation == LOCK_ALL && (call->flags & MCL_FUTURE);
	enum mode mode = call_mode(call);

	if (call_is_about_all(call))
		note_future(armed ? call->flags & (MCL_FUTURE | MCL_ONFAULT) : 0);
	if (!state.modes.matter || is_empty(pages))
		return;
	if (!call_is_about_all(call) || armed || mode == NOT_LOCKED) {
		note_pages(pages, mode);
		return;
	}
	for (const struct run *run = runs_first(mapped); run; run = runs_next(run))
		note_pages(run->pages, mode);
}

/* Under MCL_FUTURE other memory than then may be locked at the same addresses, but all of it in one mode. */
static bool is_certain(const struct run *run)
{
	int future = state.modes.future;

	return !future || run->mode == (future & MCL_ONFAULT ? ON_FAULT : EAGER);
}

enum mode modes_of(struct address_range pages, uintptr_t *end)
{
	const struct run *run = runs_first(&state.modes.asked);

	*end = pages.end;
	if (!state.modes.matter)
		return EAGER;
	while (run && run->pages.end <= pages.start)
		run = runs_next(run);
	if (run && run->pages.start > pages.start) {
		*end = run->pages.start < *end ? run->pages.start : *end;
		run = NULL;
	}
	if (!run)
		return LOCKED;
	*end = run->pages.end < *end ? run->pages.end : *end;
	return is_certain(run) ? (enum mode)run->mode : LOCKED;
}
