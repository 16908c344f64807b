/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_STATE_H
#define LOCKPROOF_SHIMS_STATE_H

#include <linux/stat.h>
#include <stdatomic.h>

#include "kernel/smaps.h"
#include "modes.h"
#include "observe.h"
#include "runs.h"
#include "under_way.h"

enum { LARGEST_PAGE = 65536, CHUNK = 2048, LINE = 320 };

/*
 * All that the library remembers of a process. All zero: nothing is locked,
 * and nobody is inside, as in the child of a fork. The kernel hands these
 * pages to a child empty, however it was made (MADV_WIPEONFORK); one that
 * shares the memory of its parent shares these, too.
 */
struct state {
	_Atomic int process; /* whose all this is; 0: nobody has called yet */
	struct under_way under_way;
	struct modes modes;
	struct run_pool pool;

	/* Kept off the stack, which may be as small as that of a signal handler. Belongs to the thread inside the section. */
	struct search search;
	struct mapping_query query;
	struct smaps smaps;
	char chunk[CHUNK]; /* of smaps */
	char line[LINE];   /* of a report */
	struct statx file; /* it goes to */
} __attribute__((aligned(LARGEST_PAGE)));

extern struct state state;

/* To be called before anything of it is used. */
void state_prepare(void);

#endif
