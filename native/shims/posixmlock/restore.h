/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_RESTORE_H
#define LOCKPROOF_SHIMS_RESTORE_H

#include "locks.h"
#include "report.h"

/* What the failed call had to leave as it was. */
struct before {
	struct address_range range;
	struct runs runs;
	bool all;    /* of the whole address space, and what is mapped in future */
	bool unseen; /* nothing is known of it */
	int future;  /* MCL_FUTURE, and MCL_ONFAULT, or 0 */
};

/*
 * Makes the locks in the range what they were, and only where they are not;
 * looks again afterwards, and reports what differs still. `spare`: room for
 * what it sees. Signals must be blocked.
 */
void restore(const struct before *before, struct runs spare, const struct failed_call *failed);

#endif
