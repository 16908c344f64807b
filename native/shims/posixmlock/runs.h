/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_RUNS_H
#define LOCKPROOF_SHIMS_RUNS_H

#include <stdbool.h>
#include <stdint.h>

enum { RUNS = 8192 };

/* LOCKED: eagerly or on fault, which nobody knows. */
enum mode { NOT_LOCKED, EAGER, ON_FAULT, LOCKED };

/* From `start` on and below `end`; whole pages. */
struct address_range {
	uintptr_t start;
	uintptr_t end;
};

/* Neighbouring pages in one mode. */
struct run {
	struct address_range pages;
	uint16_t next;
	uint8_t mode;
};

/* In the order of their addresses. All zero: none. */
struct runs {
	uint16_t first, last;
};

/* What runs are made of: allocated from here, as malloc must not be called. Number 0 is none. */
struct run_pool {
	struct run runs[RUNS];
	uint16_t free;	  /* the first that was given back */
	uint16_t touched; /* how many were ever given out */
	uint16_t used;
};

const struct run *runs_first(const struct runs *runs);
const struct run *runs_next(const struct run *run);

/* Behind all others. False: there is no room, and nothing has changed; so with the others. */
bool runs_append(struct runs *runs, struct address_range pages, enum mode mode);

/* Whatever the pages were in, they are in this mode now. */
bool runs_set(struct runs *runs, struct address_range pages, enum mode mode);

/* The pages belong to no run any more. */
bool runs_forget(struct runs *runs, struct address_range pages);

/* All that there is, and nothing else, is in this mode now. */
void runs_set_all(struct runs *runs, enum mode mode);

void runs_drop(struct runs *runs);

static inline bool is_empty(struct address_range range)
{
	return range.start >= range.end;
}

static inline struct address_range common(struct address_range one, struct address_range other)
{
	return (struct address_range){ one.start > other.start ? one.start : other.start,
				       one.end < other.end ? one.end : other.end };
}

#endif
