/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_CGROUP_H
#define LOCKPROOF_KERNEL_CGROUP_H

/* Groups of the probe's own in cgroup2, below a root that hands the memory controller on. */

enum { GROUP_ROOM = 64 };

/* Makes lockproof-PID with that suffix and writes its path; "": none can be made, or it has no such file to set to "max". */
void cgroup_make(char group[GROUP_ROOM], const char *suffix, const char *setting);

/* Removes it, where there is one. */
void cgroup_remove(char group[GROUP_ROOM]);

/* Moves this process into it; 0 or -errno. */
long cgroup_enter(const char *group);

#endif
