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
#include "kernel/memory_file.h"
#include "kernel/proc.h"
#include "kernel/process.h"
#include "kernel/progress.h"
#include "program/answer.h"
#include "program/errnames.h"
#include "stream/channel.h"
#include "stream/guest.h"
#include "stream/input.h"

enum { TRACE_SIZE = 256 * 1024 };

/* What only the process that answers needs. Its children have no such memory: it would be among what they see of themselves. */
struct parent {
	struct channel channel;
	struct input input;
	struct diagnostics diagnostics;
	struct facts facts;
	struct execution execution;
	struct progress_reader progress;
	char trace[TRACE_SIZE];
};

/* What children find as it was when they were forked: first, on few pages, what an execution writes to. */
struct probe {
	struct kernel kernel;
	struct progress progress;
	struct program program;
	struct parent *parent;
	long oom_kills; /* of the whole system so far; -1: not counted */
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

	if (!channel_write(&probe->parent->channel, lines, length))
		leave(1);
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

static void __attribute__((format(printf, 2, 3))) fail(struct execution *execution, const char *format, ...)
{
	struct text reason = text_in(execution->reason, sizeof(execution->reason));
	va_list arguments;

	va_start(arguments, format);
	text_format_list(&reason, format, arguments);
	va_end(arguments);
	text_close(&reason);
	execution->status = STATUS_SETUP;
}

static void set_status(struct probe *probe, struct execution *execution, struct ending ending)
{
	char unknown[NAME_ROOM];

	if (ending.error) {
		fail(execution, "fork: %s", error_name((int)ending.error, unknown));
	} else if (ending.hung) {
		execution->status = STATUS_HUNG;
	} else if (WIFSIGNALED(ending.status)) {
		execution->signal = WTERMSIG(ending.status);
		if (execution->signal != SIGKILL)
			execution->status = STATUS_DIED;
		else
			execution->status = was_oom(probe) ? STATUS_OOM : STATUS_KILLED;
	} else if (WEXITSTATUS(ending.status) && execution->status == STATUS_DONE) {
		fail(execution, "the process ended with %d", WEXITSTATUS(ending.status));
	}
}

struct execution_job {
	struct probe *probe;
	unsigned long fault;
};

static void do_job(void *argument)
{
	const struct execution_job *job = argument;
	struct probe *probe = job->probe;
	struct system system = kernel_system(&probe->kernel);

	progress_start(&probe->progress, probe->kernel.progress_file, probe->program.pages);
	interpret(&probe->program, &system, job->fault, &probe->progress.execution);
}

static void execute(void *self, const struct program *program, unsigned long fault, struct execution *execution)
{
	struct probe *probe = self;
	struct execution_job job = { .probe = probe, .fault = fault };
	struct ending ending = process_run(do_job, &job, program->time);

	execution->status = STATUS_DONE;
	execution->step = -1;
	if (!progress_collect(&probe->parent->progress, execution))
		fail(execution, "the trace is longer than %lu bytes", (unsigned long)execution->trace.text.size);
	set_status(probe, execution, ending);
	if (fault && probe->kernel.alone) /* the reports of a whole sweep are more than the kernel keeps */
		diagnostics_collect(&probe->parent->diagnostics);
}

/* The new image of a process that executes a program: it goes on with it. */
static void go_on(struct probe *probe, int file)
{
	struct resume resume;
	struct system system;

	if (!kernel_image_take_over(file, &probe->kernel, &probe->program, &resume))
		process_exit(1);
	probe->kernel.explanation = NULL;
	system = kernel_system(&probe->kernel);
	progress_start(&probe->progress, probe->kernel.progress_file, probe->program.pages);
	interpret_resume(&probe->program, &system, &resume, &probe->progress.execution);
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

static bool make_parent(struct probe *probe)
{
	void *memory = mmap(NULL, sizeof(*probe->parent), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, sizeof(*probe->parent), MADV_DONTFORK) < 0)
		return false;
	probe->parent = memory;
	probe->parent->channel = (struct channel){ .in = STDIN_FILENO, .out = STDOUT_FILENO };
	return true;
}

static bool open_files(struct probe *probe)
{
	probe->kernel.handover_file = (int)memory_file();
	probe->kernel.progress_file = probe->parent->progress.file = progress_open();
	return probe->kernel.progress_file >= 0;
}

static void say_hello(struct probe *probe)
{
	struct parent *parent = probe->parent;
	struct trace trace = trace_in(parent->trace, TRACE_SIZE);

	facts_find(&probe->kernel, &parent->facts);
	probe->kernel.observers = parent->facts.observers;
	probe->kernel.start = parent->facts.counts;
	hello_write(&probe->kernel, &parent->facts, &trace);
	put(probe, parent->trace, trace.complete);
}

static const char *end_fields(void *self)
{
	return diagnostics_fields(&((struct probe *)self)->parent->diagnostics);
}

static void answer_all(struct probe *probe)
{
	struct parent *parent = probe->parent;
	const struct target target = {
		.self = probe,
		.abilities = facts_abilities(&probe->kernel, &parent->facts),
		.execute = execute,
		.end_fields = probe->kernel.alone ? end_fields : NULL,
		.put = put,
	};
	const struct workspace workspace = {
		.program = &probe->program,
		.execution = &parent->execution,
		.buffer = parent->trace,
		.size = TRACE_SIZE,
	};
	enum input_kind kind;

	while ((kind = input_next(&parent->input)) != INPUT_END) {
		if (kind == INPUT_PROGRAM)
			answer_program(&target, &workspace, parent->input.text, parent->input.used);
		else
			answer_stray_line(&target, &workspace, parent->input.text, parent->input.used);
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
	static struct probe probe __attribute__((aligned(4096)));
	int file = kernel_image_file(count, arguments);

	if (file >= 0)
		go_on(&probe, file);
	if (count > 1) {
		help();
		return strcmp(arguments[1], "--help") == 0 ? 0 : 2;
	}
	if (!make_parent(&probe) || (guest_is_here() && !guest_start(&probe.parent->channel)))
		leave(1);
	process_prepare();
	raise_memlock();
	kernel_start(&probe.kernel, guest_is_here());
	if (!open_files(&probe))
		leave(1);
	probe.oom_kills = count_oom_kills();
	input_start(&probe.parent->input, &probe.parent->channel);
	say_hello(&probe);
	diagnostics_start(&probe.parent->diagnostics);
	answer_all(&probe);
	kernel_stop(&probe.kernel);
	leave(0);
}
