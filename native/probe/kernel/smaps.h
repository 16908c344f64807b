/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_SMAPS_H
#define LOCKPROOF_KERNEL_SMAPS_H

#include <stdbool.h>
#include <stddef.h>

/* What the text says of one mapping. */
struct smaps_mapping {
	unsigned long start, end;
	bool of_kernel; /* that the kernel makes for itself, as [vdso] */
	bool is_gate;	/* [vsyscall], which is shown, but is none */
	bool has_flags; /* VmFlags; else no lock is known: in maps, and of kernels that do not tell */
	bool locked;
	bool on_fault;
};

enum { SMAPS_LINE = 256 }; /* as much of a line as matters */

/* Reads the text of /proc/PID/smaps, or of maps, in pieces of any size. Allocates nothing. */
struct smaps {
	/* Takes each mapping, in the order of the addresses; false: no more are wanted. */
	bool (*take)(void *self, const struct smaps_mapping *mapping);
	void *self;

	/* The mapping that the lines are about, and a line that has not ended yet. */
	struct smaps_mapping mapping;
	bool is_open;
	bool stopped;
	char line[SMAPS_LINE];
	size_t used;
};

struct smaps smaps_to(bool (*take)(void *self, const struct smaps_mapping *mapping), void *self);

/* False: no more is wanted. */
bool smaps_feed(struct smaps *smaps, const char *bytes, size_t count);

/* The text has ended. */
void smaps_end(struct smaps *smaps);

/* Feeds it a file, by way of a buffer; false: that cannot be read. As system calls, of which none is a cancellation point. */
bool smaps_read(struct smaps *smaps, const char *path, char *buffer, size_t size);

/* The same for who reads it several times: a descriptor or -1, and what the file says now, where there is one. */
int smaps_open(const char *path);
bool smaps_read_from(struct smaps *smaps, int file, char *buffer, size_t size);

#endif
