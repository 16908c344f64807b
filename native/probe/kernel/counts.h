/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_COUNTS_H
#define LOCKPROOF_KERNEL_COUNTS_H

#include "kernel/kernel.h"

/* The system's counts before anything was done to it; COUNT_UNSEEN for one that cannot be read. */
struct counts counts_at_start(void);

/* Waits until the counts are those of the start, or no longer change. */
long kernel_settle(void *self, struct counts *start, struct counts *now);

#endif
