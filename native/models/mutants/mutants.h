/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MUTANTS_MUTANTS_H
#define LOCKPROOF_MUTANTS_MUTANTS_H

/*
 * Deliberate defects of a model, one at a time, to measure what the cases
 * catch. A defect is told from the requirement's side: on some calls, when
 * something holds after the call, something is done to what it left or said.
 * The model's own code knows nothing of it.
 *
 * They are written from the requirements: for each, the ways in which a system
 * can fail it. conditions.h and effects.h have what they are made of.
 */

#include "mm/task.h"

/* The calls that a defect is in. */
enum {
	ON_MLOCK = 1 << 0,
	ON_MLOCK2 = 1 << 1,
	ON_MUNLOCK = 1 << 2,
	ON_MLOCKALL = 1 << 3,
	ON_MUNLOCKALL = 1 << 4,
	ON_MMAP = 1 << 5,
	ON_MAP_LOCKED = 1 << 6,
	ON_MUNMAP = 1 << 7,
	ON_MPROTECT = 1 << 8,
	ON_MADVISE = 1 << 9,
	ON_MSYNC = 1 << 10,
	ON_MREMAP = 1 << 11,
	ON_BRK = 1 << 12,
	ON_TOUCH = 1 << 13,
	ON_FORK = 1 << 14,  /* in the child */
	ON_LEAVE = 1 << 15, /* in the parent, when the child has ended */
	ON_EXEC = 1 << 16,
	ON_THREAD = 1 << 17,
	ON_OBSERVE = 1 << 18,
	ON_FTRUNCATE = 1 << 19,
	ON_SHMCTL = 1 << 20,
	ON_VFORK = 1 << 21, /* in the parent, when the child has ended */
	ON_POSIX_SPAWN = 1 << 22,
	ON_THREADS = 1 << 23, /* when all have made their calls */
	ON_RECLAIM = 1 << 24,
};

/* One call, that was made. */
struct task_call {
	unsigned kind;
	struct task *task;
	const struct mm *before; /* fork, leave: the other process */
	struct span span;	 /* that the call names; of mlockall and munlockall all */
	unsigned long address;
	int flags;
	enum lock lock; /* that it asks for */
	long result;
	struct snapshot *snapshot; /* of observe */
	struct mutation *mutation;
};

struct mutant {
	const char *name;
	const char *requirement;
	const char *about;
	unsigned calls;
	bool (*when)(const struct task_call *call);
	void (*act)(struct task_call *call);
	int number; /* to `act`: an errno, a kind of memory, a protection, a number of pages */
	void (*arrange)(struct task_call *call); /* before the call, or NULL */
};

/* A mutant's own memory. */
struct mutation {
	const struct mutant *mutant;
	struct system model; /* the calls without the defect */
	struct mm *before;
	bool active;	     /* from the first snapshot on: set-up has no defects */
	long drift;	     /* of an account */
	uint64_t kept;	     /* a number that `arrange` has changed */
	unsigned char *note; /* something about each page */
};

/* Each ends with one without a name. */
extern const struct mutant mutants_mlock[], mutants_mlockall[], mutants_linux[], mutants_reclaim[];

/* The mutant with that number from 0, or of that name; NULL: there is none. */
const struct mutant *mutant_numbered(size_t number);
const struct mutant *mutant_named(const char *name);

/* Puts the defect into a system of tasks; false: out of memory. */
bool mutate(struct system *system, const struct mutant *mutant);

/* Takes it out, before the task is closed; there may be none. */
void mutate_end(struct system *system);

#endif
