/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_FAULT_LOG_H
#define LOCKPROOF_SHIMS_FAULT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault_rules.h"

struct record {
	enum lock_function call;
	unsigned long nth, of_all;
	uintptr_t address;
	size_t length;
	int flags;
	enum manner manner;
	int error;	    /* 0: success was reported */
	const void *caller; /* the address that the call returns to */
};

/* Takes a descriptor; -1: nothing is logged. */
void fault_log_start(int descriptor);

/* Writes a line; false: it is lost, as the program has closed the descriptor. */
bool fault_log(const struct record *record);

#endif
