/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "stream/record.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program/text.h"

enum { POLYNOMIAL = 0xedb88320u, LONGEST_SUM = 32 };

uint32_t record_sum(uint32_t before, const char *bytes, size_t length)
{
	uint32_t sum = ~before;

	for (size_t i = 0; i < length; i++) {
		sum ^= (unsigned char)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? POLYNOMIAL : 0);
	}
	return ~sum;
}

void record_start(struct record *record, int file)
{
	struct stat status;

	record->is_kept = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
	record->sum = 0;
}

/* A file system that keeps nothing on a disk may not know how to bring it there. */
static bool bring_to_disk(int file)
{
	int result;

	do {
		result = fdatasync(file);
	} while (result < 0 && errno == EINTR);
	return result == 0 || errno == EINVAL;
}

bool record_lines(struct record *record, int file, const char *lines, size_t length)
{
	char bytes[LONGEST_SUM];
	struct text text = text_in(bytes, sizeof(bytes));

	if (!record->is_kept)
		return true;
	record->sum = record_sum(record->sum, lines, length);
	text_format(&text, "{\"sum\":%lu}\n", (unsigned long)record->sum);
	return write(file, text.bytes, text.used) == (ssize_t)text.used && bring_to_disk(file);
}
