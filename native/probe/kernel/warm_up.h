/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_WARM_UP_H
#define LOCKPROOF_KERNEL_WARM_UP_H

/*
 * Uses the code, stack and data of a system call, as the first use of them
 * allocates: a fault, or a limit of memory, would meet that and not the call.
 */
void warm_up(void);

#endif
