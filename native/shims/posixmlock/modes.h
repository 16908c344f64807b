/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_MODES_H
#define LOCKPROOF_SHIMS_MODES_H

#include <stdbool.h>

#include "lock_call.h"
#include "runs.h"

/*
 * How the program has asked for its locks, as the kernel tells the modes apart
 * in smaps only, which takes as long as there is memory. Kept from the first
 * call on that asks for locks on fault; until then all are eager.
 */
struct modes {
	_Atomic bool matter; /* locks on fault have been asked for */
	int future;	     /* what the last mlockall armed: MCL_FUTURE, and MCL_ONFAULT, or 0 */
	struct runs asked;   /* EAGER and ON_FAULT; it is not said that the pages are locked, or even mapped */
};

/* A call is about to be made. `alone`: no other is under way, whose doing it could be that MCL_FUTURE is armed. */
void modes_expect(const struct lock_call *call, bool alone);

/* A call about these pages has succeeded; `mapped`: what of them was mapped. */
void modes_note(const struct lock_call *call, struct address_range pages, const struct runs *mapped);

/*
 * The mode of the first of these pages, which are locked, and of those after
 * it up to `*end`. LOCKED: they were locked in another way, as by mmap or
 * under MCL_FUTURE, or have been moved.
 */
enum mode modes_of(struct address_range pages, uintptr_t *end);

#endif
