/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_TRACER_THREADS_H
#define LOCKPROOF_TRACER_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault_record.h"

/* A thread that is traced. */
struct thread {
	pid_t id, process;
	bool locks_future; /* of the first thread of a process: its new mappings are locked */

	/* A call that is under way, and what of it is to be put back. */
	struct record record;
	int error; /* to report instead of the call's own */
	bool is_changed;
	int argument;
	uint64_t value;
};

struct threads {
	struct thread *at;
	size_t count;
};

/* The one of that number, which is taken up where it is new; NULL: no memory for it. */
struct thread *threads_get(struct threads *threads, pid_t id);

/* NULL: it is not traced, or not any more. */
struct thread *threads_find(const struct threads *threads, pid_t id);

void threads_remove(struct threads *threads, pid_t id);

/* Sends a signal to each process. */
void threads_signal(const struct threads *threads, int number);

#endif
