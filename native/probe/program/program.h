/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_PROGRAM_H
#define LOCKPROOF_PROGRAM_PROGRAM_H

#include "program/system.h"
#include "program/words.h"

enum {
	MAX_NAME = 64,
	MAX_TEXT = 65536,
	MAX_REGIONS = 52,
	MAX_LINES = 256, /* of each of map, guard, lock, limit */
	MAX_STEPS = 256,
	MAX_OBJECT_PAGES = 1 << 20,
	MAX_DEFECT = 9999,
	MAX_TIMES = 1000000,
	MAX_TIME = 24 * 60 * 60 * 1000,
	DEFAULT_TIME = 30000,
};

/* Pages of the arena. */
struct range {
	size_t page;
	size_t count;
};

/* A `map` line, and the operands of `call mmap`. */
struct placement {
	struct range range;
	int region;
	size_t object_page;
	bool apart; /* takes the attribute that keeps it from merging with its neighbours */
	int line;
};

struct guard {
	struct range range;
	int line;
};

struct earlier_lock {
	struct range range;
	bool on_fault;
	int line;
};

enum limit_kind { LIMIT_MEMLOCK, LIMIT_MEMLOCK_UNLIMITED, LIMIT_MAPPINGS, LIMIT_MEMORY };

struct limit {
	enum limit_kind kind;
	struct size memlock;
	long slack; /* mappings, or pages of memory */
	int line;
};

/* Which allocations of the call fail, for n = 1, 2, 3, … */
enum fault_kind { FAULT_NONE, FAULT_EACH_ALLOCATION, FAULT_FROM_EACH_ALLOCATION, FAULT_KIND_COUNT };

enum operation {
	STEP_MLOCK,
	STEP_MLOCK2,
	STEP_MUNLOCK,
	STEP_MLOCKALL,
	STEP_MUNLOCKALL,
	STEP_MMAP,
	STEP_MUNMAP,
	STEP_MPROTECT,
	STEP_MADVISE,
	STEP_MSYNC,
	STEP_MREMAP,
	STEP_BRK,
	STEP_SETRLIMIT,
	STEP_FTRUNCATE,
	STEP_SHMCTL,
	STEP_TOUCH,
	STEP_OBSERVE,
	STEP_SETTLE,
	STEP_RECLAIM,
	STEP_EXEC,
	STEP_VFORK,
	STEP_POSIX_SPAWN,
	STEP_FORK,
	STEP_THREAD,
	STEP_THREADS,
};

struct step {
	enum operation operation;
	struct size address, length; /* setrlimit: the soft and the hard limit */
	bool unlimited[2];	     /* setrlimit: instead of them */
	int argument;		     /* flags, protection, advice or command; exec: whether the file is missing; vfork,
					posix_spawn: enum child_image */
	struct placement
		placement; /* of mmap; touch, mremap and brk use its range, others its region; ftruncate: pages */
	struct range to;   /* of mremap */
	int child_end;	   /* fork, thread, threads: the first step after it that is the parent's again */
	int times;	   /* threads: how often each makes its call */
	bool fault;	   /* the call that is swept */
	int line;
};

/*
 * A program within the limits of PROTOCOL.md. Needs no memory but its own, of
 * which a small program touches little: what is beyond the counts is not set.
 */
struct program {
	char name[MAX_NAME + 1];
	unsigned long defect; /* that the kernel has while it runs; 0: none */
	int defect_line;
	long time;
	size_t pages;
	int arena_line;
	bool unprivileged;
	int unprivileged_line;
	enum fault_kind fault;
	enum allocations faulty;
	int fault_line;	  /* 0: no sweep */
	int memory_line;  /* of `limit memory`, or 0 */
	int settle_line;  /* of the first `call settle`, or 0 */
	int reclaim_line; /* of the first `call reclaim`, or 0 */
	int exec_line;	  /* of the first `call exec`, or 0 */
	int thread_line;  /* of the first `thread`, or 0 */
	int threads_line; /* of the first `threads`, or 0 */
	int most_threads; /* that make calls at the same time in any step */
	int region_count, map_count, guard_count, lock_count, limit_count, step_count;
	struct region regions[MAX_REGIONS];
	int region_lines[MAX_REGIONS];
	struct placement maps[MAX_LINES];
	struct guard guards[MAX_LINES];
	struct earlier_lock locks[MAX_LINES];
	struct limit limits[MAX_LINES];
	struct step steps[MAX_STEPS];
};

/* Why a program was refused, and where: line 1 is its `program` line. */
struct refusal {
	char name[MAX_NAME + 1]; /* "" where it has none that can be used */
	int line;
	char reason[160];
};

/* Reads the text of one program; false: refused. Empty lines and comments may stand around it. */
bool program_parse(const char *text, size_t length, struct program *program, struct refusal *refusal);

#endif
