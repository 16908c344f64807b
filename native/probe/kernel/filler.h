/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_FILLER_H
#define LOCKPROOF_KERNEL_FILLER_H

#include <stdbool.h>
#include <stddef.h>

/* Mappings that use up those that a process may have; where they can be, above all others. */
struct filler {
	bool above_all;
	unsigned long hole; /* address space before them, free for some more */
	struct part {
		unsigned long start, end; /* all of it is mapped; nothing where they are the same */
	} parts[2];
};

struct kernel;

/* Bytes of address space that use up all mappings of a process; 0 where that is not possible. */
size_t filler_size(const struct kernel *kernel);

/*
 * Fills the process up, but for so many mappings, which are for others until
 * kernel_limit_mappings() takes what is left of them; there is none before it.
 * 0 or -errno.
 */
long filler_build(struct kernel *kernel, size_t left);

/* Whether all of it is mapped and nothing locked, as msync says. */
bool filler_is_untouched(const struct filler *filler);

size_t filler_bytes(const struct filler *filler);

/* As struct system has it. */
long kernel_limit_mappings(void *self, long slack);

#endif
