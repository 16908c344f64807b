/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_OWN_MEMORY_H
#define LOCKPROOF_KERNEL_OWN_MEMORY_H

/*
 * Gives back what a process gets at its start and the probe does not use: every
 * child has it, every snapshot reads it, and mlockall brings it in page by page,
 * each of which is an allocation that a sweep lets fail.
 */
void own_memory_trim(void);

#endif
