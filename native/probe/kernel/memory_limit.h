/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_MEMORY_LIMIT_H
#define LOCKPROOF_KERNEL_MEMORY_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/cgroup.h"

/* Limits memory by a cgroup of the probe's own. */
struct memory_limit {
	char group[GROUP_ROOM]; /* its directory; "": none could be made */

	/* Of the process that is limited; -1: it is not. */
	int current;
	int limit;
	size_t pages;
	unsigned long long most; /* bytes; 0: not put in force yet */
};

/* Makes the group, below a root that hands the memory controller on. */
void memory_limit_start(struct memory_limit *memory);

/* Removes it. */
void memory_limit_stop(struct memory_limit *memory);

/* As struct system has them. */
long kernel_limit_memory(void *self, size_t pages);
void kernel_enter(void *self);
void kernel_exit(void *self);

#endif
