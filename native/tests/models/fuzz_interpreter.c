/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whatever calls a program makes, on whichever model: it is answered with
 * whole lines, of which the last one ends it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mm/task.h"
#include "program/answer.h"
#include "prove/prove.h"

/* A larger one takes long, and shows nothing else. */
enum { MOST_PAGES = 64, MOST_STEPS = 16, TRACE_ROOM = 1 << 16 };

/* Who executes, and what has come of it. */
struct run {
	const char *model;
	bool has_ended;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void execute(void *self, const struct program *program, unsigned long fault, struct execution *execution)
{
	const struct run *run = self;
	struct system system;

	require(task_open(&system));
	model_calls_of(run->model)(&system);
	interpret(program, &system, fault, execution);
	task_close(&system);
}

static void check_lines(void *self, const char *lines, size_t length)
{
	static const char end[] = "{\"end\":";
	struct run *run = self;

	require(length > 0);
	for (const char *line = lines; line < lines + length;) {
		const char *newline = memchr(line, '\n', (size_t)(lines + length - line));

		require(newline && *line == '{' && newline[-1] == '}' && !run->has_ended);
		run->has_ended = strncmp(line, end, strlen(end)) == 0;
		line = newline + 1;
	}
}

static void check_model(const char *model, struct program *program, const char *text, size_t length)
{
	static char trace[TRACE_ROOM], strips[STRIP_COUNT * MOST_PAGES];
	static struct execution execution;
	struct run run = { .model = model };
	const struct target target = {
		.self = &run,
		.abilities = { .faults = { false, true, true }, .limit_memory = true },
		.execute = execute,
		.put = check_lines,
	};
	const struct workspace workspace = {
		.program = program,
		.execution = &execution,
		.buffer = trace,
		.size = sizeof(trace),
	};

	execution.strips = strips;
	answer_program(&target, &workspace, text, length);
	require(run.has_ended);
}

/* What is refused is fuzz_program's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct program program;
	const char *text = (const char *)data;
	struct refusal refusal;

	if (!program_parse(text, size, &program, &refusal) || program.pages > MOST_PAGES ||
	    program.step_count > MOST_STEPS)
		return -1;
	for (size_t i = 0; lockproof_model_name(i); i++)
		check_model(lockproof_model_name(i), &program, text, size);
	return 0;
}
