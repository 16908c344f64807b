/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "posix.h"
#include "task.h"

/* To add a model is to add a line. */
static const struct model {
	const char *name;
	const char *about;
	void (*calls)(struct system *system);
} models[] = {
	{ "posix", "POSIX.1-2024", posix_calls },
};

enum {
	MODEL_COUNT = sizeof(models) / sizeof(*models),
	HELLO_SIZE = 1024,
	/* Of one execution: a snapshot before and after each step, of three strips that are no longer than the arena. */
	TRACE_SIZE = (MAX_STEPS + 1) * (3 * MAX_PAGES + 1024),
};

/* What one program needs. */
struct run {
	const struct model *model;
	struct program program;
	struct execution execution;
	char trace[TRACE_SIZE];
	char *answer; /* NULL: no memory for it */
	size_t length;
};

static const struct model *find_model(const char *name)
{
	for (size_t i = 0; i < MODEL_COUNT; i++) {
		if (!strcmp(models[i].name, name))
			return &models[i];
	}
	return NULL;
}

const char *lockproof_model_name(size_t number)
{
	return number < MODEL_COUNT ? models[number].name : NULL;
}

char *lockproof_model_hello(const char *name)
{
	const struct model *model = find_model(name);
	char *answer = malloc(HELLO_SIZE);
	struct text text = text_in(answer, HELLO_SIZE);

	if (!model || !answer) {
		free(answer);
		return NULL;
	}
	text_format(&text, "{\"hello\":{\"protocol\":1,\"system\":\"model\",\"release\":\"%s\",\"version\":\"%s\"",
		    model->name, model->about);
	text_format(&text, ",\"machine\":\"simulated\"");
	text_format(&text, ",\"page_size\":%lu,\"bits\":%lu,\"wraps\":true", 1UL << PAGE_SHIFT,
		    8 * (unsigned long)sizeof(unsigned long));
	text_format(&text,
		    ",\"calls\":[\"mlock\",\"mlock2\",\"munlock\",\"mlockall\",\"munlockall\",\"mmap\",\"munmap\","
		    "\"mprotect\",\"madvise\",\"msync\",\"fork\",\"mremap\",\"brk\",\"exec\",\"thread\"]");
	text_format(&text, ",\"kinds\":[\"anonymous\",\"file\",\"shared\",\"shm\",\"memfd\",\"hugetlb\",\"stack\","
			   "\"sysv\",\"heap\"],\"guard\":true");
	text_format(&text, ",\"lock_observers\":[\"model\"],\"lock_modes\":true,\"residency\":\"model\"");
	text_format(&text, ",\"mappings\":true,\"accounting\":true,\"elsewhere\":true");
	text_format(&text, ",\"faults\":{\"each-allocation\":\"countdown\",\"from-each-allocation\":\"countdown\","
			   "\"memory\":\"countdown\"},\"knobs\":{},\"alone\":false,\"taint\":null,\"counts\":null");
	text_format(&text, ",\"privileged\":true,\"memlock\":-1,\"own_pages\":%d,\"max_map_count\":%d}}\n", OWN_PAGES,
		    MAX_MAP_COUNT);
	text_close(&text);
	return answer;
}

static void execute(void *self, const struct program *program, unsigned long fault, struct execution *execution)
{
	const struct run *run = self;
	struct system system;

	if (!task_open(&system)) {
		execution->status = STATUS_SETUP;
		strcpy(execution->reason, "out of memory");
		return;
	}
	run->model->calls(&system);
	interpret(program, &system, fault, execution);
	task_close(&system);
}

/* Adds to the answer; without memory for it, there is none at all. */
static void put(void *self, const char *lines, size_t length)
{
	struct run *run = self;
	char *longer = run->answer ? realloc(run->answer, run->length + length + 1) : NULL;

	if (!longer) {
		free(run->answer);
		run->answer = NULL;
		return;
	}
	memcpy(longer + run->length, lines, length);
	run->length += length;
	longer[run->length] = '\0';
	run->answer = longer;
}

static const struct abilities abilities = {
	.faults = { [FAULT_EACH_ALLOCATION] = true, [FAULT_FROM_EACH_ALLOCATION] = true },
	.limit_memory = true,
};

char *lockproof_model_run(const char *name, const char *text, size_t length)
{
	const struct model *model = find_model(name);
	struct run *run = malloc(sizeof(*run));
	char *answer = NULL;

	if (model && run) {
		const struct target target = { .self = run, .abilities = abilities, .execute = execute, .put = put };
		const struct desk desk = {
			.program = &run->program,
			.execution = &run->execution,
			.buffer = run->trace,
			.size = sizeof(run->trace),
		};

		run->model = model;
		run->answer = calloc(1, 1);
		run->length = 0;
		answer_program(&target, &desk, text, length);
		answer = run->answer;
	}
	free(run);
	return answer;
}

void lockproof_model_free(char *answer)
{
	free(answer);
}
