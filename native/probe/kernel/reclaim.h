/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_RECLAIM_H
#define LOCKPROOF_KERNEL_RECLAIM_H

#include "kernel/cgroup.h"

/* Makes the kernel take memory back from a process, by a cgroup of the probe's own. */
struct reclaim {
	char group[GROUP_ROOM]; /* its directory; "": none could be made */

	/* Of a process that is in it, to the one that writes to its files; -1: it is not. */
	int requests, answers;
};

/* Makes the group, and removes it. */
void reclaim_start(struct reclaim *reclaim);
void reclaim_stop(struct reclaim *reclaim);

/* As struct system has them. */
long kernel_prepare_reclaim(void *self);
long kernel_reclaim(void *self);

#endif
