/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/proc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_LINE = 2048 }; /* of slabinfo; what is longer is skipped */

static long read_number(const char *text)
{
	long number = 0;

	text += strspn(text, " \t");
	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (*text - '0');
	return number;
}

/* Only in whole lines, as the rest may still be on its way. */
static const char *find_line(const char *text, const char *key)
{
	size_t length = strlen(key);
	const char *newline;

	for (; (newline = strchr(text, '\n')) != NULL; text = newline + 1) {
		if (strncmp(text, key, length) == 0)
			return text + length;
	}
	return NULL;
}

/* Keeps the line that has not ended yet; gives its length. */
static size_t keep_rest(char *text, size_t used)
{
	const char *newline = strrchr(text, '\n');

	if (newline) {
		used -= (size_t)(newline + 1 - text);
		memmove(text, newline + 1, used);
	}
	return used == LONGEST_LINE - 1 ? 0 : used;
}

long proc_number(const char *path, const char *key)
{
	char text[LONGEST_LINE];
	long number = -1;
	size_t used = 0;
	ssize_t count;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while ((count = read(fd, text + used, sizeof(text) - 1 - used)) > 0) {
		const char *found;

		used += (size_t)count;
		text[used] = '\0';
		found = find_line(text, key);
		if (found) {
			number = read_number(found);
			break;
		}
		used = keep_rest(text, used);
	}
	close(fd);
	return number;
}
