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

enum status { STATUS_DONE, STATUS_SETUP, STATUS_DIED, STATUS_KILLED, STATUS_OOM, STATUS_HUNG };

/*
 * One execution of a program. It may lie in memory that several processes
 * share: what stands in it is true at any time, also when its process dies.
 */
struct execution {
	struct trace trace;
	enum status status;
	int step;	    /* under way; -1: set-up or first snapshot */
	int signal;	    /* of STATUS_DIED */
	bool fault_reached; /* the nth allocation of the swept call was made to fail */
	char reason[160];   /* of STATUS_SETUP */
	char functions[ROOM_FOR_FUNCTIONS];
	struct snapshot snapshot;
};

/* Executes the program on the system, with the nth allocation of the swept call failing (0: none). */
void interpret(const struct program *program, const struct system *system, unsigned long fault,
	       struct execution *execution);

/* Goes on with it in the new image that a step `exec` has made. */
void interpret_resume(const struct program *program, const struct system *system, const struct resume *resume,
		      struct execution *execution);

#endif
