/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_CAPABILITIES_TRIALS_H
#define LOCKPROOF_CAPABILITIES_TRIALS_H

#include "capabilities/facts.h"

/* What a trial is about, and so where the hello has it: a lock is a call too. */
enum trial_about { ABOUT_LOCK, ABOUT_CALL, ABOUT_KIND, ABOUT_FACT };

/* One thing to try, in a child, where it may do to the process what it likes. */
struct trial {
	const char *name; /* in the hello */
	enum trial_about about;
	/* 0, or a negative errno. What was found is true if the process lives to return it. */
	long (*run)(struct kernel *kernel, struct facts *facts, const struct trial *trial);
	long (*ask)(const struct system *system); /* of a call: makes it */
	enum kind kind;				  /* ABOUT_KIND */
};

/* All trials, in the order in which they are made; NULL: there are no more. */
const struct trial *trial_numbered(int number);

/* Some of them; the last has no name. */
extern const struct trial trials_of_counts[];
extern const struct trial trials_of_observers[];
extern const struct trial trials_of_calls[];
extern const struct trial trials_of_kinds[];
/* A fault that stays is tried after one that does not. */
extern const struct trial trials_of_faults[];
extern const struct trial trials_of_reclaim[];
extern const struct trial trials_of_locks[];
extern const struct trial trials_of_locks_on_fault[];
extern const struct trial trials_of_whole_locks[];

/* Memory of that kind to try, the region with that index. */
struct region trial_region(enum kind kind, int index, size_t pages);

/* Pages of anonymous memory that can be written to; 0: there is none. */
unsigned long trial_memory(const struct kernel *kernel, size_t pages);

#endif
