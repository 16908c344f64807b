/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_CALL_LOCK_H
#define LOCKPROOF_SHIMS_CALL_LOCK_H

#include <stdbool.h>

/*
 * Lets one thread at a time into the wrapper. A signal handler that
 * interrupts the thread that is inside goes in too: `nested` is true then.
 * Nobody who waits is interrupted for good: waiting goes on after a signal.
 */
struct call_lock {
	bool nested;
	int cancel_state;
};

struct call_lock call_lock_enter(void);
void call_lock_leave(struct call_lock lock);

/* In the child of a fork: what another thread of the parent held is free again. */
void call_lock_after_fork(void);

#endif
