/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_EXECUTOR_H
#define LOCKPROOF_EXECUTOR_H

#include "kernel/fork_server.h"
#include "kernel/kernel.h"
#include "kernel/progress.h"

/*
 * Executes programs on the running kernel, each execution in a process of its
 * own, which finds this as it was when it was forked: first, on few pages, what
 * it writes to.
 */
struct executor {
	struct kernel kernel;
	struct progress progress;
	struct program program;
};

/* Of the process that waits for these, in memory that they need not have. */
struct executor_parent {
	struct progress_reader progress;
	struct fork_server full; /* of processes that have hardly any mappings left */
	bool full_was_tried;
	long oom_kills; /* of the whole system so far; -1: not counted */
};

/* `alone`: as in struct kernel. False: it has no way to learn what executions do. */
bool executor_start(struct executor *executor, struct executor_parent *parent, bool alone);

/* Leaves the kernel's settings as they were. */
void executor_stop(struct executor *executor, struct executor_parent *parent);

/* Executes the program, with the nth allocation of the swept call failing (0: none). The trace goes on in that of `execution`. */
void executor_run(struct executor *executor, struct executor_parent *parent, unsigned long fault,
		  struct execution *execution);

/* In the new image of a process that executes a program, with the file that kernel_image_file() found: goes on with it. */
void executor_go_on(struct executor *executor, int file) __attribute__((noreturn));

#endif
