/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_FILLER_H
#define LOCKPROOF_KERNEL_FILLER_H

#include "kernel/kernel.h"

/* Bytes of address space that use up all mappings of a process; 0 where that is not possible. */
size_t kernel_filler_size(const struct kernel *kernel);

#endif
