/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_ARENA_STRIPS_H
#define LOCKPROOF_KERNEL_ARENA_STRIPS_H

#include "kernel/smaps.h"

/* What smaps says of an arena, page by page, and of all that lies elsewhere. */
struct arena_strips {
	unsigned long arena;
	size_t pages;
	size_t page_size;
	unsigned long limit; /* from where on mappings are not wanted; 0: all are */

	/* A strip for each thing wanted, or NULL. */
	char *locked;	/* L locked, F locked on fault, . not locked, _ not mapped */
	char *mappings; /* | first page of a mapping, - further page, _ not mapped */

	bool without_flags; /* of some mapping nothing is said about locks */

	/* In pages, without the kernel's own mappings. */
	long elsewhere_mapped;
	long elsewhere_locked;
};

/* Nothing seen yet: fills the strips with '_'. */
void arena_strips_start(struct arena_strips *strips);

/* For struct smaps. */
bool arena_strips_take(void *self, const struct smaps_mapping *mapping);

#endif
