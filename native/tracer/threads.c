/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "threads.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 256 };

/* The process that a thread belongs to. */
static pid_t process_of(pid_t thread)
{
	char line[ROOM];
	int process = (int)thread;
	FILE *status;

	snprintf(line, sizeof(line), "/proc/%d/status", (int)thread);
	status = fopen(line, "re");
	while (status && fgets(line, sizeof(line), status) && sscanf(line, "Tgid: %d", &process) != 1)
		;
	if (status)
		fclose(status);
	return process;
}

struct thread *threads_find(const struct threads *threads, pid_t id)
{
	for (size_t i = 0; i < threads->count; i++) {
		if (threads->at[i].id == id)
			return &threads->at[i];
	}
	return NULL;
}

struct thread *threads_get(struct threads *threads, pid_t id)
{
	struct thread *found = threads_find(threads, id);
	void *more = found ? NULL : realloc(threads->at, (threads->count + 1) * sizeof(*threads->at));

	if (found || !more)
		return found;
	threads->at = more;
	threads->at[threads->count] = (struct thread){ .id = id, .process = process_of(id) };
	return &threads->at[threads->count++];
}

void threads_remove(struct threads *threads, pid_t id)
{
	struct thread *found = threads_find(threads, id);

	if (found)
		*found = threads->at[--threads->count];
}

void threads_signal(const struct threads *threads, int number)
{
	for (size_t i = 0; i < threads->count; i++) {
		if (threads->at[i].id == threads->at[i].process)
			kill(threads->at[i].id, number);
	}
}
