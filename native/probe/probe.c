/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capabilities/facts.h"
#include "capabilities/hello.h"
#include "executor.h"
#include "kernel/diagnostics.h"
#include "kernel/image.h"
#include "program/answer.h"
#include "stream/channel.h"
#include "stream/guest.h"
#include "stream/input.h"
#include "stream/record.h"

enum { TRACE_SIZE = 256 * 1024 };

/* What only the process that answers needs. Its children have no such memory: it would be among what they see of themselves. */
struct parent {
	struct channel channel;
	struct record record;
	struct input input;
	struct diagnostics diagnostics;
	struct facts facts;
	struct execution execution;
	struct executor_parent executor;
	char trace[TRACE_SIZE];
};

struct probe {
	struct executor executor;
	struct parent *parent;
};

static void leave(int code)
{
	if (guest_is_here())
		guest_end();
	_exit(code);
}

static void put(void *self, const char *lines, size_t length)
{
	struct parent *parent = ((struct probe *)self)->parent;

	if (!channel_write(&parent->channel, lines, length) ||
	    !record_lines(&parent->record, parent->channel.out, lines, length))
		leave(1);
}

static bool make_parent(struct probe *probe)
{
	void *memory = mmap(NULL, sizeof(*probe->parent), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	madvise(memory, sizeof(*probe->parent), MADV_DONTFORK);
	probe->parent = memory;
	probe->parent->channel = (struct channel){ .in = STDIN_FILENO, .out = STDOUT_FILENO };
	record_start(&probe->parent->record, STDOUT_FILENO);
	return true;
}

static void say_hello(struct probe *probe)
{
	struct kernel *kernel = &probe->executor.kernel;
	struct parent *parent = probe->parent;
	struct trace trace = trace_in(parent->trace, TRACE_SIZE);

	facts_find(kernel, &parent->facts);
	kernel->observers = parent->facts.observers;
	kernel->apart = parent->facts.apart;
	kernel->start = parent->facts.counts;
	hello_write(kernel, &parent->facts, &trace);
	put(probe, parent->trace, trace.complete);
}

static void execute(void *self, const struct program *program, unsigned long fault, struct execution *execution)
{
	struct probe *probe = self;

	(void)program; /* it is the executor's */
	executor_run(&probe->executor, &probe->parent->executor, fault, execution);
	if (fault && probe->executor.kernel.alone) /* the reports of a whole sweep are more than the kernel keeps */
		diagnostics_collect(&probe->parent->diagnostics);
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
		.abilities = facts_abilities(&probe->executor.kernel, &parent->facts),
		.execute = execute,
		.end_fields = probe->executor.kernel.alone ? end_fields : NULL,
		.put = put,
	};
	const struct workspace workspace = {
		.program = &probe->executor.program,
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

	if (!guest_is_here()) /* a guest's kernel draws no addresses: norandmaps */
		kernel_image_fix_addresses(arguments);
	if (file >= 0)
		executor_go_on(&probe.executor, file);
	if (count > 1 && !guest_is_here()) { /* a kernel hands its init the words that it does not know */
		help();
		return strcmp(arguments[1], "--help") == 0 ? 0 : 2;
	}
	if (!make_parent(&probe) || (guest_is_here() && !guest_start(&probe.parent->channel)))
		leave(1);
	process_prepare();
	if (!executor_start(&probe.executor, &probe.parent->executor, guest_is_here())) {
		fputs("no file to be had in which executions can tell what they do\n", stderr);
		leave(1);
	}
	input_start(&probe.parent->input, &probe.parent->channel);
	say_hello(&probe);
	diagnostics_start(&probe.parent->diagnostics);
	answer_all(&probe);
	executor_stop(&probe.executor, &probe.parent->executor);
	leave(0);
}
