/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_ANSWER_H
#define LOCKPROOF_PROGRAM_ANSWER_H

#include "program/interpret.h"

/* What not every target can do. */
struct abilities {
	bool faults[FAULT_KIND_COUNT];
	bool faults_apart; /* of slab objects and of pages */
	bool limit_memory;
	bool settle;
	bool reclaim;
	bool orders;  /* makes calls at the same time one after another, in one order in each execution */
	bool defects; /* its kernel was given some, for tests of tests */
};

/* What executes programs, and where the answers go. */
struct target {
	void *self;
	struct abilities abilities;

	/* Executes once, in a fresh process or space, with interpret(), which gets the number; changes the status where that could not. */
	void (*execute)(void *self, const struct program *program, unsigned long number, struct execution *execution);

	/* Fields for the line that ends a program, each with a comma before it; NULL: there are none. */
	const char *(*end_fields)(void *self);

	/* Takes whole lines. */
	void (*put)(void *self, const char *lines, size_t length);
};

/* Storage for one answer; `buffer` holds the trace of one execution. */
struct workspace {
	struct program *program;
	struct execution *execution;
	char *buffer;
	size_t size;
};

/* Answers the text of one program: refuses it, or executes it once or, where it asks so, as a sweep or in each order. */
void answer_program(const struct target *target, const struct workspace *workspace, const char *text, size_t length);

/* Answers a line that belongs to no program. */
void answer_stray_line(const struct target *target, const struct workspace *workspace, const char *line, size_t length);

#endif
