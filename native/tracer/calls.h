/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_TRACER_CALLS_H
#define LOCKPROOF_TRACER_CALLS_H

#include <stdbool.h>

#include "threads.h"

/* The calls of all that is traced: which misbehave, how many there were, and where they are told. */
struct calls {
	struct rules rules;
	unsigned long counts[CALL_COUNT]; /* ANY: all of them */
	int log;			  /* a descriptor */
};

/* A thread is about to make a call that the filter has stopped; true: it is to stop again when the kernel has made it. */
bool calls_begin(struct calls *calls, struct threads *threads, struct thread *thread);

/* The kernel has made it. */
void calls_end(struct calls *calls, struct threads *threads, struct thread *thread);

/* Writes all of it; ends the tracer where nobody reads it any more. */
void calls_write(int log, const char *bytes, size_t count);

#endif
