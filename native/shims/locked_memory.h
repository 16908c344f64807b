/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_LOCKED_MEMORY_H
#define LOCKPROOF_SHIMS_LOCKED_MEMORY_H

#include <stdbool.h>

/* Whether the kernel counts locked memory of this process: VmLck of /proc/self/status. False as well: no such file. */
bool has_locked_memory(void);

#endif
