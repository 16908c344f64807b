/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_UNDER_WAY_H
#define LOCKPROOF_SHIMS_UNDER_WAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runs.h"

/*
 * The calls that are under way: of several threads, of signal handlers that
 * interrupt them, and of what serves a page that one of them waits for. Nobody
 * waits for the call of another in the kernel; that may need what the other is
 * about to do. So each call leaves a record of what would have to be restored,
 * and what succeeds meanwhile is entered in the records of all others.
 *
 * The usual call finds itself alone, and is done with three atomic operations:
 * alone_enter, alone_start and alone_end. All else happens in the section,
 * where there is one thread at a time, which no signal interrupts, and which
 * makes no call that waits for pages that were not in memory before.
 */
enum { CALLS = 1024, FEW_PAGES = 32 };

struct record {
	uint32_t ticket; /* of its call; 0: of none */
	bool disturbed;	 /* a call that failed has put back pages that are this one's, too */
	bool unseen;	 /* what was before is not known */
	struct address_range pages;
	struct runs before; /* of what is mapped */
};

/* What a call that is alone would have to restore: a bit for each page that is locked, or nothing in a longer range. */
struct alone {
	struct address_range pages;
	uint32_t locked;
};

struct under_way {
	/* The ticket of a call that is alone, what it is at, and whether there are others. */
	_Atomic uint32_t word;
	struct alone alone;
	_Atomic uint32_t section; /* the thread inside, and whether others sleep */
	unsigned touched;	  /* how many records were ever used */
	struct record records[CALLS];
};

/* The ticket; 0: there are others. Now it may look, and write `state.under_way.alone`. */
uint32_t alone_enter(void);

/* It is about to be made. False: others have come, and it counts as not begun, as after alone_leave. */
bool alone_start(uint32_t ticket);

/* It has succeeded. False: others have come, and its record is among theirs. */
bool alone_end(uint32_t ticket);

void alone_leave(uint32_t ticket);

struct section {
	uint64_t signals;
};

/* False: this thread is inside; a handler of a signal that cannot be blocked has called. */
bool section_enter(struct section *section);
void section_leave(const struct section *section);

/* The rest is for the section. */

/* From now on nobody is alone; who was has a record. */
void records_join(void);

/* A new one, until record_end; NULL: there are too many. */
struct record *record_new(struct address_range pages);

/* That of a call; NULL: this is a child, which was forked inside the call. */
struct record *record_of(uint32_t ticket);

void record_end(struct record *record);

bool record_is_only(const struct record *record);

/* The next one of another call about some of the pages; NULL to begin with, and at the end. */
struct record *record_beside(const struct record *own, struct record *last);

#endif
