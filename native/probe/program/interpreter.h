/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_INTERPRETER_H
#define LOCKPROOF_PROGRAM_INTERPRETER_H

/* Between the parts of the interpreter: setting up, making the calls, reporting. */

#include "program/interpret.h"

enum { MOST_RESULTS = 16 };

/*
 * What each of the calls gave that were made at the same time, again and again: different results, first ones first. No
 * call has as many errors as there is room for.
 */
struct results {
	int threads;
	int count[MOST_AT_ONCE];
	long seen[MOST_AT_ONCE][MOST_RESULTS];
};

struct interpreter {
	const struct program *program;
	const struct system *system;
	struct execution *execution;
	unsigned long arena;
	unsigned long fault;
	unsigned long order;	  /* of calls at the same time, in a model */
	struct counts start, now; /* of the step that settled the system */
	struct results results;	  /* of the step whose threads made calls */
};

static inline unsigned long bytes_of(const struct interpreter *in, struct size size)
{
	return size.pages * (unsigned long)in->system->page_size + size.bytes;
}

static inline unsigned long address_of_page(const struct interpreter *in, size_t page)
{
	return in->arena + (unsigned long)(page * in->system->page_size);
}

static inline unsigned long bytes_of_range(const struct interpreter *in, struct range range)
{
	return (unsigned long)(range.count * in->system->page_size);
}

/* prepare.c: all that comes before the first call; false: it failed, and the execution says why. */
bool prepare(struct interpreter *in);

/* Ends the execution with a reason; false. */
bool fail_setup(struct interpreter *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False, and the reason with its line, where the result of a set-up call is an error. */
bool check_setup(struct interpreter *in, int line, const char *what, long result);

/* report.c: what is observed now, as lines of the trace; false: no room for them. */
bool report_before(struct interpreter *in);
bool report_step(struct interpreter *in, int index, long result, bool fault);

#endif
