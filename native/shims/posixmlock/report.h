/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_REPORT_H
#define LOCKPROOF_SHIMS_REPORT_H

#include "lock_call.h"
#include "runs.h"

/* `error`: with which it failed. */
struct failed_call {
	const struct lock_call *call;
	int error;
};

/*
 * Reads from the environment where reports go, and looks which file that is:
 * nothing is ever written to another one that has come to have its number.
 */
void report_start(void);

/*
 * A part of the address space is not as it was before the failed call. As all
 * reports for the thread in the section: no signal comes of it, and it does
 * not wait; it is left out where nobody takes it.
 */
void report_difference(const struct failed_call *failed, struct address_range where, enum mode before, enum mode now);

/* Something else could not be put back: says what. */
void report_trouble(const struct failed_call *failed, const char *what);

#endif
