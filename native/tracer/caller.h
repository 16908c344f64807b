/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_TRACER_CALLER_H
#define LOCKPROOF_TRACER_CALLER_H

#include <linux/limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a thread is in a system call. */
struct place {
	pid_t thread;
	uint64_t instruction, stack, link; /* link: of machine_link() */
	size_t word;
};

/*
 * The path of the program or library that makes a call, also where it does so
 * by a function of the libc: that is followed to where it returns to. NULL:
 * none is known.
 */
const char *caller_of(const struct place *place, char path[PATH_MAX]);

#endif
