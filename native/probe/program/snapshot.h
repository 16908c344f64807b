/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_SNAPSHOT_H
#define LOCKPROOF_PROGRAM_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

enum { MAX_PAGES = 1 << 21, STRIP_COUNT = 4 };

/*
 * What an observer saw. Strips are arrays of `pages` characters, as PROTOCOL.md
 * has them. An observer that a target lacks sets its `has_` to false, and -1
 * stands for a number that cannot be seen.
 */
struct snapshot {
	size_t pages;
	char *smaps; /* the target's own word: smaps, or a model's flags */
	char *msync;
	char *resident;
	char *mappings;
	bool has_smaps, has_msync, has_resident, has_mappings;
	const char *smaps_name; /* "smaps", or "model" */
	long accounted;		/* pages */
	long elsewhere_mapped;	/* pages outside the arena */
	long elsewhere_locked;
};

/* Makes strips of so many pages in memory of STRIP_COUNT bytes for each. */
void snapshot_start(struct snapshot *snapshot, size_t pages, char *room);

#endif
