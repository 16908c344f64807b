/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capabilities/facts.h"
#include "capabilities/hello.h"
#include "kernel/diagnostics.h"
#include "kernel/image.h"
#include "kernel/kernel.h"
#include "kernel/proc.h"
#include "kernel/process.h"
#include "program/answer.h"
#include "program/errnames.h"
#include "stream/channel.h"
#include "stream/guest.h"
#include "stream/input.h"

enum { TRACE_SIZE = 256 * 1024 };

/* What the probe, its children and their new images share. */
struct shared {
	void *address; /* kernel_image_memory() puts it here */
	struct facts facts;
	struct execution execution;
	struct handover handover;
	char trace[TRACE_SIZE];
};

struct probe {
	struct kernel kernel;
	struct shared *shared;
	int shared_file;
	struct program program;
	struct channel channel;
	struct input input;
	struct diagnostics diagnostics;
	long oom_kills; /* of the whole system so far; -1: not counted */
};

struct execution_job {
	struct kernel *kernel;
	const struct program *program;
	unsigned long fault;
	struct execution *execution;
};

static void leave(int code)
{
	if (guest_is_here())
		guest_end();
	_exit(code);
}

static void put(void *self, const char *lines, size_t length)
{
	const struct probe *probe = self;

	if (!channel_write(&probe->channel, lines, length))
		leave(1);
}

static void do_job(void *argument)
{
	const struct execution_job *job = argument;
	struct system system = kernel_system(job->kernel);

	interpret(job->program, &system, job->fault, job->execution);
}

static long count_oom_kills(void)
{
	return proc_number("/proc/vmstat", "oom_kill ");
}

/* Whether the OOM killer has struck since this was last asked. */
static bool was_oom(struct probe *probe)
{
	long before = probe->oom_kills;

	probe->oom_kills = count_oom_kills();
	return before >= 0 && probe->oom_kills > before;
}

static void set_status(struct probe *probe, struct execution *execution, struct ending ending)
{
	struct text reason = text_in(execution->reason, sizeof(execution->reason));
	char unknown[NAME_ROOM];

	if (ending.error) {
		execution->status = STATUS_SETUP;
		text_format(&reason, "fork: %s", error_name((int)ending.error, unknown));
		text_close(&reason);
	} else if (ending.hung) {
		execution->status = STATUS_HUNG;
	} else if (WIFSIGNALED(ending.status)) {
		execution->signal = WTERMSIG(ending.status);
		if (execution->signal != SIGKILL)
			execution->status = STATUS_DIED;
		else
			execution->status = was_oom(probe) ? STATUS_OOM : STATUS_KILLED;
	}
}

static void execute(void *self, const struct program *program, unsigned long fault, struct execution *execution)
{
	struct probe *probe = self;
	struct execution_job job = {
		.kernel = &probe->kernel, .program = program, .fault = fault, .execution = execution
	};

	execution->step = -1;
	set_status(probe, execution, process_run(do_job, &job, program->time));
	if (fault && probe->kernel.alone) /* the reports of a whole sweep are more than the kernel keeps */
		diagnostics_collect(&probe->diagnostics);
}

static bool make_shared(struct probe *probe)
{
	probe->shared = kernel_image_memory(sizeof(*probe->shared), &probe->shared_file);
	return probe->shared != NULL;
}

/* The new image of a process that executes a program: it goes on with it. */
static void go_on(int file)
{
	static struct kernel kernel; /* its own, also of its children: they share what was handed over */
	struct shared *shared = kernel_image_again(sizeof(*shared), file);
	struct handover *handover;
	struct system system;

	if (!shared)
		process_exit(1);
	handover = &shared->handover;
	if (handover->resume.step < 0) {
		handover->tried = true;
		process_exit(0);
	}
	kernel = handover->kernel;
	kernel.explanation = NULL;
	system = kernel_system(&kernel);
	interpret_resume(&handover->program, &system, &handover->resume, &shared->execution);
	process_exit(0);
}

/* As high as it goes; a program that wants less says so. */
static void raise_memlock(void)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &limit);
	}
}

static void say_hello(struct probe *probe)
{
	struct facts *facts = &probe->shared->facts;
	struct trace trace = trace_in(probe->shared->trace, TRACE_SIZE);

	facts->scratch = &probe->shared->execution.snapshot;
	facts_find(&probe->kernel, facts);
	probe->kernel.observers = facts->observers;
	probe->kernel.start = facts->counts;
	hello_write(&probe->kernel, facts, &trace);
	put(probe, probe->shared->trace, trace.complete);
}

static const char *end_fields(void *self)
{
	return diagnostics_fields(&((struct probe *)self)->diagnostics);
}

static void answer_all(struct probe *probe)
{
	const struct target target = {
		.self = probe,
		.abilities = facts_abilities(&probe->kernel, &probe->shared->facts),
		.execute = execute,
		.end_fields = probe->kernel.alone ? end_fields : NULL,
		.put = put,
	};
	const struct workspace workspace = {
		.program = &probe->program,
		.execution = &probe->shared->execution,
		.buffer = probe->shared->trace,
		.size = TRACE_SIZE,
	};
	enum input_kind kind;

	while ((kind = input_next(&probe->input)) != INPUT_END) {
		if (kind == INPUT_PROGRAM)
			answer_program(&target, &workspace, probe->input.text, probe->input.used);
		else
			answer_stray_line(&target, &workspace, probe->input.text, probe->input.used);
	}
}

static void help(void)
{
	static const char text[] =
		"Reads programs from standard input, one line a statement, and answers with traces, one line of JSON "
		"each.\n"
		"native/probe/PROTOCOL.md in the sources of lockproof says what a program and a trace are.\n";

	fputs(text, stdout);
}

int main(int count, char **arguments)
{
	static struct probe probe = { .channel = { .in = STDIN_FILENO, .out = STDOUT_FILENO } };

	int file = kernel_image_file(count, arguments);

	if (file >= 0)
		go_on(file);
	if (count > 1) {
		help();
		return strcmp(arguments[1], "--help") == 0 ? 0 : 2;
	}
	if ((guest_is_here() && !guest_start(&probe.channel)) || !make_shared(&probe))
		leave(1);
	process_prepare();
	raise_memlock();
	kernel_start(&probe.kernel, guest_is_here());
	probe.kernel.handover = probe.shared_file < 0 ? NULL : &probe.shared->handover;
	probe.kernel.handover_file = probe.shared_file;
	probe.oom_kills = count_oom_kills();
	input_start(&probe.input, &probe.channel);
	say_hello(&probe);
	diagnostics_start(&probe.diagnostics);
	answer_all(&probe);
	kernel_stop(&probe.kernel);
	leave(0);
}
