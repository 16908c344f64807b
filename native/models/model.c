/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "mm/task.h"
#include "mutants/mutants.h"
#include "posix/posix.h"
#include "program/answer.h"
#include "prove/prove.h"

/* To add a model is to add a line. */
static const struct model {
	const char *name;
	const char *about;
	void (*calls)(struct system *system);
	bool old;    /* from before mlock2, MCL_ONFAULT and guard pages */
	bool secret; /* has secret memory, which is memory as any other */
} models[] = {
	{ "posix", "POSIX.1-2024", posix_calls, false, true },
	{ "linux-2.6.16", "Linux 2.6.16, the kernel that the patch of 2006 changes", linux_2_6_16_calls, true, false },
	{ "posixmlock-2006", "Linux 2.6.16 with the patch of 2006, POSIX Memory Lock", posixmlock_calls, true, false },
	{ "linux-7.1", "Linux today, from 7.1 on", linux_7_1_calls, false, false },
	{ "linux-6", "Linux 6.17 to 7.0", linux_6_calls, false, false },
	{ "linux-6.12", "Linux 6.12", linux_6_12_calls, false, false },
	{ "linux-6.1", "Linux 6.1", linux_6_1_calls, false, false },
	{ "linux-5.10", "Linux 5.10", linux_5_10_calls, false, false },
};

enum {
	MODEL_COUNT = sizeof(models) / sizeof(*models),
	HELLO_SIZE = 2048,
	/* Of one execution: a snapshot before and after each step, of three strips. They are written as runs. */
	STRIP_SIZE = 16384,
	TRACE_SIZE = (MAX_STEPS + 1) * (3 * STRIP_SIZE + 1024),
};

/* What one program needs. */
struct model_run {
	const struct model *model;
	const struct mutant *mutant; /* NULL: the model as it is */
	struct program program;
	struct execution execution;
	char strips[STRIP_COUNT * MAX_PAGES];
	char trace[TRACE_SIZE];
	char *answer; /* NULL: no memory for it */
	size_t length;
};

/* MODEL or MODEL/MUTANT. */
static const struct model *find_model(const char *name, const struct mutant **mutant)
{
	for (size_t i = 0; i < MODEL_COUNT; i++) {
		size_t length = strlen(models[i].name);

		if (strncmp(models[i].name, name, length) != 0)
			continue;
		*mutant = name[length] == '/' ? mutant_named(name + length + 1) : NULL;
		if (!name[length] || *mutant)
			return &models[i];
	}
	return NULL;
}

model_calls *model_calls_of(const char *name)
{
	const struct mutant *mutant;
	const struct model *model = find_model(name, &mutant);

	return model && !mutant ? model->calls : NULL;
}

const char *lockproof_model_name(size_t number)
{
	return number < MODEL_COUNT ? models[number].name : NULL;
}

const char *lockproof_mutant_name(size_t number)
{
	return mutant_numbered(number) ? mutant_numbered(number)->name : NULL;
}

const char *lockproof_mutant_requirement(size_t number)
{
	return mutant_numbered(number) ? mutant_numbered(number)->requirement : NULL;
}

const char *lockproof_mutant_about(size_t number)
{
	return mutant_numbered(number) ? mutant_numbered(number)->about : NULL;
}

char *lockproof_model_hello(const char *name)
{
	const struct mutant *mutant;
	const struct model *model = find_model(name, &mutant);
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
		    ",\"calls\":[\"mlock\",%s\"munlock\",\"mlockall\",\"munlockall\",\"mmap\",\"munmap\","
		    "\"mprotect\",\"madvise\",\"msync\",\"fork\",\"mremap\",\"brk\",\"exec\",\"thread\"]",
		    model->old ? "" : "\"mlock2\",");
	text_format(&text,
		    ",\"kinds\":[\"anonymous\",\"file\",\"shared\",\"shm\",\"memfd\",\"hugetlb\",\"stack\","
		    "\"sysv\",\"heap\"%s%s],\"guard\":%s",
		    model->old ? "" : ",\"droppable\"", model->secret ? ",\"secretmem\"" : "",
		    model->old ? "false" : "true");
	text_format(&text, ",\"lock_observers\":[\"model\"],\"lock_modes\":true,\"residency\":\"model\"");
	text_format(&text, ",\"mappings\":true,\"accounting\":true,\"page_faults\":true,\"elsewhere\":true");
	text_format(&text, ",\"faults\":{\"each-allocation\":\"countdown\",\"from-each-allocation\":\"countdown\","
			   "\"apart\":\"countdown\",\"memory\":\"countdown\"},\"knobs\":{},\"alone\":false,\"taint\":"
			   "null,\"counts\":null");
	text_format(&text,
		    ",\"reclaim\":[\"anonymous\",\"file\",\"shared\",\"shm\",\"memfd\",\"stack\",\"sysv\",\"heap\"]");
	text_format(&text,
		    ",\"privileged\":true,\"memlock\":-1,\"own_pages\":%d,\"max_map_count\":%d,\"huge_page\":null,"
		    "\"thp\":512}}\n",
		    OWN_PAGES, MAX_MAP_COUNT);
	text_close(&text);
	return answer;
}

static void execute(void *self, const struct program *program, unsigned long number, struct execution *execution)
{
	const struct model_run *run = self;
	struct system system;

	if (!task_open(&system)) {
		execution->status = STATUS_SETUP;
		strcpy(execution->reason, "out of memory");
		return;
	}
	run->model->calls(&system);
	if (run->mutant && !mutate(&system, run->mutant)) {
		task_close(&system);
		execution->status = STATUS_SETUP;
		strcpy(execution->reason, "out of memory");
		return;
	}
	interpret(program, &system, number, execution);
	mutate_end(&system);
	task_close(&system);
}

/* Adds to the answer; without memory for it, there is none at all. */
static void put(void *self, const char *lines, size_t length)
{
	struct model_run *run = self;
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
	.faults_apart = true,
	.limit_memory = true,
	.reclaim = true,
	.orders = true,
};

char *lockproof_model_run(const char *name, const char *text, size_t length)
{
	const struct mutant *mutant;
	const struct model *model = find_model(name, &mutant);
	struct model_run *run = malloc(sizeof(*run));
	char *answer = NULL;

	if (model && run) {
		const struct target target = { .self = run, .abilities = abilities, .execute = execute, .put = put };
		const struct workspace workspace = {
			.program = &run->program,
			.execution = &run->execution,
			.buffer = run->trace,
			.size = sizeof(run->trace),
		};

		run->model = model;
		run->mutant = mutant;
		run->answer = calloc(1, 1);
		run->length = 0;
		run->execution.strips = run->strips;
		run->execution.publish = NULL;
		answer_program(&target, &workspace, text, length);
		answer = run->answer;
	}
	free(run);
	return answer;
}

void lockproof_model_free(char *answer)
{
	free(answer);
}
