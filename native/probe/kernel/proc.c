/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "program/text.h"

enum {
	LONGEST_LINE = 2048, /* of slabinfo; what is longer is skipped */
	ROOM_FOR_PATH = 128,
	NUMBER_ROOM = 24,
};

int proc_open_in(const char *directory, const char *name, int flags)
{
	char path[ROOM_FOR_PATH];
	struct text text = text_in(path, sizeof(path));

	text_format(&text, "%s/%s", directory, name);
	text_close(&text);
	return open(path, flags | O_CLOEXEC);
}

static long write_and_close(int file, const char *text)
{
	long result = 0;

	if (file < 0)
		return -errno;
	if (write(file, text, strlen(text)) < 0)
		result = -errno;
	close(file);
	return result;
}

long proc_write(const char *path, const char *text)
{
	return write_and_close(open(path, O_WRONLY | O_CLOEXEC), text);
}

long proc_write_in(const char *directory, const char *name, const char *text)
{
	return write_and_close(proc_open_in(directory, name, O_WRONLY), text);
}

static long long read_number(const char *text)
{
	unsigned long long number = 0;

	while (*text == ' ' || *text == '\t')
		text++;
	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (unsigned long long)(*text - '0');
	return (long long)number;
}

long long proc_number_at(int file)
{
	char text[NUMBER_ROOM];
	ssize_t count = pread(file, text, sizeof(text) - 1, 0);

	if (count <= 0)
		return -1;
	text[count] = '\0';
	return read_number(text);
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

long proc_number_in(int file, const char *key)
{
	char text[LONGEST_LINE];
	size_t used = 0;
	ssize_t count;

	if (lseek(file, 0, SEEK_SET) != 0)
		return -1;
	while ((count = read(file, text + used, sizeof(text) - 1 - used)) > 0) {
		const char *found;

		used += (size_t)count;
		text[used] = '\0';
		found = find_line(text, key);
		if (found)
			return (long)read_number(found);
		used = keep_rest(text, used);
	}
	return -1;
}

long proc_number(const char *path, const char *key)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	long number = file < 0 ? -1 : proc_number_in(file, key);

	if (file >= 0)
		close(file);
	return number;
}
