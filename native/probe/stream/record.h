/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_STREAM_RECORD_H
#define LOCKPROOF_STREAM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where answers go to a file, they are judged later: nothing of them may be lost when the kernel breaks, nor changed unseen. */
struct record {
	bool is_kept;
	uint32_t sum; /* of all lines so far but those of sums: CRC-32 of ISO 3309, as gzip and PNG have it */
};

void record_start(struct record *record, int file);

/*
 * Notes lines that were written to the file: their sum follows them there, and
 * all of it is on the disk on return. Does nothing where the file is a pipe or
 * the like. False: the file is broken.
 */
bool record_lines(struct record *record, int file, const char *lines, size_t length);

/* The sum of bytes behind others, whose sum is given; of nothing it is 0. */
uint32_t record_sum(uint32_t before, const char *bytes, size_t length);

#endif
