/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_GUARD_H
#define LOCKPROOF_GUARD_H

#include <stdbool.h>

/*
 * Lets one thread at a time into the wrapper. A signal handler that
 * interrupts the thread that is inside goes in too: `nested` is true then.
 * Nobody who waits is interrupted for good: waiting goes on after a signal.
 */
struct guard {
	bool nested;
	int cancel_state;
};

struct guard guard_enter(void);
void guard_leave(struct guard guard);

/* In the child of a fork: what another thread of the parent held is free again. */
void guard_after_fork(void);

#endif
