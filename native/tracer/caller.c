/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "caller.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/* Functions of a libc that make one system call keep no more than this on the stack. */
enum { WORDS = 24, PATH_OF_PROC = 64 };

/* Files that code is executed from, as /proc/PID/maps has them. */
struct code {
	struct {
		uint64_t start, end;
		char *path;
	} * at;
	size_t count;
};

static bool add(struct code *code, uint64_t start, uint64_t end, const char *path)
{
	void *more = realloc(code->at, (code->count + 1) * sizeof(*code->at));

	if (!more)
		return false;
	code->at = more;
	code->at[code->count].start = start;
	code->at[code->count].end = end;
	code->at[code->count].path = strdup(path);
	return code->at[code->count++].path != NULL;
}

/* START-END PERMISSIONS OFFSET DEVICE INODE PATH */
static void read_code(struct code *code, pid_t thread)
{
	char name[PATH_OF_PROC], *line = NULL;
	size_t room = 0;
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)thread);
	maps = fopen(name, "re");
	while (maps && getline(&line, &room, maps) >= 0) {
		uint64_t start, end;
		char permissions[5];
		int path = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &start, &end, permissions, &path) == 3 &&
		    path && permissions[2] == 'x' && line[path] && !add(code, start, end, line + path))
			break;
	}
	if (maps)
		fclose(maps);
	free(line);
}

static void free_code(struct code *code)
{
	for (size_t i = 0; i < code->count; i++)
		free(code->at[i].path);
	free(code->at);
}

static const char *find(const struct code *code, uint64_t address)
{
	for (size_t i = 0; i < code->count; i++) {
		if (address >= code->at[i].start && address < code->at[i].end)
			return code->at[i].path;
	}
	return NULL;
}

/* What a program makes system calls by. */
static bool is_libc(const char *path)
{
	static const char *const names[] = { "libc.so", "libc-", "ld-musl-", "libpthread", "[vdso]" };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

static uint64_t word_at(const struct place *place, int index)
{
	uint64_t word = 0;
	struct iovec here = { &word, place->word };
	struct iovec there = { (void *)(uintptr_t)(place->stack + (uint64_t)index * place->word), place->word };

	return process_vm_readv(place->thread, &here, 1, &there, 1, 0) == (ssize_t)place->word ? word : 0;
}

/* The first address of code that is not the libc's is where it returns to in the end. */
static const char *behind_libc(const struct code *code, const struct place *place)
{
	const char *path = place->link ? find(code, place->link) : NULL;

	for (int i = 0; (!path || is_libc(path)) && i < WORDS; i++)
		path = find(code, word_at(place, i));
	return path && !is_libc(path) ? path : NULL;
}

const char *caller_of(const struct place *place, char path[PATH_MAX])
{
	struct code code = { 0 };
	const char *found;

	read_code(&code, place->thread);
	found = find(&code, place->instruction);
	if (found && is_libc(found)) {
		const char *behind = behind_libc(&code, place);

		found = behind ? behind : found;
	}
	if (found)
		snprintf(path, PATH_MAX, "%s", found);
	free_code(&code);
	return found ? path : NULL;
}
