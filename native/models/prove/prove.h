/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROVE_PROVE_H
#define LOCKPROOF_PROVE_PROVE_H

/* Between the parts of the exhaustive exploration; model.h says what it is. */

#include <stddef.h>

#include "mm/task.h"
#include "model.h" /* has no line of the preprocessor */

enum { PROVE_PAGES = 10 };

typedef void model_calls(struct system *system);
/* What makes the calls of a task those of the model; NULL: there is none of that name. */
model_calls *model_calls_of(const char *name);

/* An address space by its number. */
struct space {
	unsigned long long number;
	int pages;
	unsigned char what[PROVE_PAGES]; /* PAGE_ */
};

enum { PAGE_HOLE, PAGE_RW, PAGE_RO, PAGE_NONE, PAGE_LOCKED_RW, PAGE_LOCKED_RO, PAGE_LOCKED_NONE, PAGE_KINDS };

struct space space_numbered(unsigned long long number);
/* Lays it out behind what the program itself has mapped. */
void space_lay(const struct space *space, struct mm *mm);

/* What is seen of an address space; a bit for each page. */
struct view {
	unsigned mapped, locked, resident, starts;
	size_t elsewhere; /* locked pages outside */
	size_t accounted;
	bool future;
};

struct view view_of(const struct mm *mm);

enum call_kind { CALL_MLOCK, CALL_MUNLOCK, CALL_MLOCKALL, CALL_MUNLOCKALL };

/* A call that was made in a space. */
struct state {
	const struct space *space;
	const struct lockproof_call *call;
	int number; /* the call's */
	enum call_kind kind;
	unsigned long n;
	bool injected;
	long result;
	struct view before, after;
	const struct mm *mm; /* after it */
};

void check_state(const struct state *state, struct lockproof_finding *findings);

#endif
