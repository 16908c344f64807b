/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_FAULT_RECORD_H
#define LOCKPROOF_SHIMS_FAULT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault_rules.h"
#include "program/trace.h"

/* A call, and how it was made to misbehave. */
struct record {
	enum lock_function call;
	unsigned long nth, of_all;
	uintptr_t address;
	size_t length;
	int flags;
	enum manner manner;
	int error; /* 0: success was reported */
};

/* Whether the call is made, as far as it is. */
bool record_is_made(const struct record *record);

/* Bytes up to the end of the first half of the pages, of a call that does a part; else all of them. */
size_t record_part(const struct record *record, size_t page_size);

/* Writes it as a line of JSON, which is to be ended. `caller`: a path, or NULL. */
void record_write(struct trace *line, const struct record *record, int pid, const char *caller);

#endif
