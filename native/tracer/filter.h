/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_TRACER_FILTER_H
#define LOCKPROOF_TRACER_FILTER_H

#include <stdbool.h>

/*
 * Lets every call that locks or unlocks memory, and every mmap, of this
 * process and of all that it starts, stop for its tracer. Other calls cost
 * nothing. False: errno says why that cannot be done.
 */
bool filter_install(void);

#endif
