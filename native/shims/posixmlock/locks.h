/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_LOCKS_H
#define LOCKPROOF_SHIMS_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FEW_PAGES = 32 }; /* to ask about them one by one is quicker than to open a file */

enum mode { NOT_LOCKED, EAGER, ON_FAULT };

/* Neighbouring pages that are locked in one mode; [start, end). */
struct run {
	uintptr_t start;
	uintptr_t end;
	enum mode mode; /* never NOT_LOCKED */
};

/* Runs in the order of their addresses, in room that belongs to somebody else. */
struct runs {
	struct run *at;
	size_t count;
	size_t room;
};

struct address_range {
	uintptr_t start;
	uintptr_t end;
};

enum observer { BY_MSYNC, BY_SMAPS };

enum known {
	ALL_KNOWN,     /* all of the range */
	PART_KNOWN,    /* only what lies below `*upto` */
	NOTHING_KNOWN, /* nothing is known */
};

/*
 * Learns what is locked in the range: from /proc/thread-self/smaps (what names the
 * process is empty once its first thread has ended), which tells the
 * modes (`lf` in VmFlags; kernels that do not print it let all locks look
 * eager), or by asking the kernel with msync, mapping by mapping where it has
 * PROCMAP_QUERY (Linux 6.11), else page by page. `first` is tried first, and
 * the other where it cannot tell. Allocates nothing.
 */
enum known find_locks(struct address_range range, enum observer first, struct runs *runs, uintptr_t *upto);

/* What msync says of a range: 0 all mapped and nothing locked, EBUSY something is locked, or another errno. */
int ask_msync(uintptr_t start, uintptr_t end);

/* A page of the range that is not mapped; empty: there is none. */
struct address_range find_hole(struct address_range range);

size_t page_size(void);

#endif
