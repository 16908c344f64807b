/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_FAULT_RULES_H
#define LOCKPROOF_SHIMS_FAULT_RULES_H

#include <stdbool.h>

#include "program/text.h"

enum lock_function { MLOCK, MLOCK2, MUNLOCK, MLOCKALL, MUNLOCKALL, MSYNC, MMAP, ANY, CALL_COUNT };

enum manner {
	AS_IT_IS,
	FAIL, /* fails without calling */
	LATE, /* calls, and then reports failure */
	PART, /* does a part, and then fails */
	LIE,  /* reports success without doing it */
};

/* Which of the calls misbehave, and how. Numbers count from 1. */
struct rule {
	enum lock_function call;
	unsigned long first, last;
	enum manner manner;
	int error;
};

enum { MOST_RULES = 16 };

struct rules {
	struct rule at[MOST_RULES];
	int count;
};

const char *call_name(enum lock_function call);
const char *manner_name(enum manner manner);

/* Reads a text like "mlock@2=fail:EAGAIN,munlock=lie"; false: it is none, and `wrong` says why. */
bool rules_read(const char *text, struct rules *rules, struct text *wrong);

/* The first rule that is about the call, which is the nth of its kind and of all; NULL: none is. */
const struct rule *rules_find(const struct rules *rules, enum lock_function call, unsigned long nth,
			      unsigned long of_all);

#endif
