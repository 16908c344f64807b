/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_PAGE_OBSERVERS_H
#define LOCKPROOF_KERNEL_PAGE_OBSERVERS_H

#include "program/snapshot.h"

/*
 * System calls that tell something of the pages of the arena, for a strip of
 * the snapshot; false: of one of them nothing can be said. Where the mappings
 * are known, they are asked about these only: to gVisor's msync a hole is
 * locked when the mapping after it is.
 */
bool page_observer_msync(size_t page_size, unsigned long arena, struct snapshot *snapshot);
bool page_observer_mincore(size_t page_size, unsigned long arena, struct snapshot *snapshot);

#endif
