/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "modes.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "inner_calls.h"
#include "look.h"
#include "state.h"

/* There is no other way to ask; memory is not needed for it. */
bool is_future_armed(void)
{
	void *page = mmap(NULL, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct address_range pages = { (uintptr_t)page, (uintptr_t)page + page_size() };
	int said;

	if (page == MAP_FAILED) /* EAGAIN: locked memory would exceed its limit; other errors say nothing */
		return errno == EAGAIN || state.modes.future;
	said = ask_locked(pages);
	munmap(page, page_size());
	return said == EBUSY || (said != 0 && state.modes.future);
}

void modes_expect(const struct lock_call *call)
{
	if (call_mode(call) == ON_FAULT)
		state.modes.matter = true;
}

void modes_note(const struct lock_call *call)
{
	if (call->operation == LOCK_ALL)
		state.modes.future = call->flags & MCL_FUTURE ? call->flags & (MCL_FUTURE | MCL_ONFAULT) : 0;
	if (call->operation == UNLOCK_ALL)
		state.modes.future = 0;
}

enum mode modes_of(struct address_range pages, uintptr_t *end)
{
	*end = pages.end;
	return state.modes.matter ? LOCKED : EAGER;
}
