/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_SMAPS_H
#define LOCKPROOF_KERNEL_SMAPS_H

#include <stdbool.h>
#include <stddef.h>

enum { SMAPS_LINE = 256 }; /* as much of a line as matters */

/* Reads the text of /proc/PID/smaps, or of maps, in pieces of any size. */
struct smaps {
	/* What to look at: the arena, and a strip for each thing wanted of it (or NULL). */
	unsigned long arena;
	size_t pages;
	size_t page_size;
	char *locked;	/* L locked, F locked on fault, . not locked, _ not mapped */
	char *mappings; /* | first page of a mapping, - further page, _ not mapped */
	char *writable; /* w writable, . not, _ not mapped */

	/* What was seen outside the arena, in pages, without the kernel's own mappings. */
	long elsewhere_mapped;
	long elsewhere_locked;

	/* The mapping that the lines are about, and a line that has not ended yet. */
	unsigned long start, end;
	bool own;
	char line[SMAPS_LINE];
	size_t used;
};

/* Nothing seen yet: fills the strips with '_'. */
void smaps_start(struct smaps *smaps);

void smaps_feed(struct smaps *smaps, const char *bytes, size_t count);

#endif
