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

/* Opens a file; no name: nothing is logged. False: it cannot be opened, as errno says. */
bool fault_log_start(const char *file);

/* Writes a line, into a file opened again where the program has closed it; false: it is lost. */
bool fault_log(const struct record *record);

#endif
