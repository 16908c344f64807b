/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_INTERPRET_H
#define LOCKPROOF_PROGRAM_INTERPRET_H

#include "program/program.h"
#include "program/system.h"
#include "program/trace.h"

enum {
	MOST_FUNCTIONS = 24,	   /* of a stack */
	ROOM_FOR_FUNCTIONS = 2048, /* their names */
};

enum status { STATUS_DONE, STATUS_SETUP, STATUS_TROUBLE, STATUS_DIED, STATUS_KILLED, STATUS_OOM, STATUS_HUNG };

/* One execution of a program. */
struct execution {
	struct trace trace; /* whole lines */
	enum status status;
	int step;	    /* under way; -1: set-up or first snapshot */
	int signal;	    /* of STATUS_DIED */
	bool fault_reached; /* the nth allocation of the swept call was made to fail */
	char reason[160];   /* of STATUS_SETUP and STATUS_TROUBLE */

	/*
	 * Lets those know who wait for the process that executes, before each step and at the end; the lines that
	 * they know are in the trace no longer. NULL: nobody does.
	 */
	void (*publish)(struct execution *execution);

	struct snapshot snapshot;
	char *strips; /* room for those of the snapshot */
};

/*
 * Executes the program on the system: the execution of that number. In a sweep the allocation of that number fails, in
 * a model calls at the same time are made in the order of that number.
 */
void interpret(const struct program *program, const struct system *system, unsigned long number,
	       struct execution *execution);

/* Goes on with it in the new image that a step `exec` has made. */
void interpret_resume(const struct program *program, const struct system *system, const struct resume *resume,
		      struct execution *execution);

#endif
