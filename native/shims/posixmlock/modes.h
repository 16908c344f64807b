/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_MODES_H
#define LOCKPROOF_SHIMS_MODES_H

#include <stdbool.h>

#include "lock_call.h"
#include "runs.h"

/* Which modes locks are in, as far as that is known without smaps, which takes as long as there is memory. */
struct modes {
	_Atomic bool matter; /* locks on fault have been asked for */
	int future;	     /* what the last mlockall armed: MCL_FUTURE, and MCL_ONFAULT, or 0 */
};

/* Whether what is mapped now becomes locked; where the kernel does not tell, what is known. */
bool is_future_armed(void);

/* A call is about to be made. */
void modes_expect(const struct lock_call *call);

/* A call has succeeded. */
void modes_note(const struct lock_call *call);

/* The mode of the first of these pages, which are locked, and of those after it up to `*end`. LOCKED: smaps tells it. */
enum mode modes_of(struct address_range pages, uintptr_t *end);

#endif
