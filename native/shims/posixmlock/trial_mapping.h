/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_TRIAL_MAPPING_H
#define LOCKPROOF_SHIMS_TRIAL_MAPPING_H

#include <stdbool.h>

/*
 * What can only be found out by mapping something, which needs no memory. By
 * bare system calls: another library may let mmap fail.
 */

/* Whether what is mapped now becomes locked; `otherwise` where the kernel does not tell. */
bool is_future_armed(bool otherwise);

/* Whether two mappings more can be had. Nothing that changes locks needs more, not where it cuts one in three. */
bool has_room_for_mappings(void);

#endif
