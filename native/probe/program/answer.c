/* SPDX-License-Identifier: Apache-2.0 */
#include "program/answer.h"

#include "program/errnames.h"

enum {
	LONGEST_SWEEP = 10000,
	ROOM_FOR_END = 2048, /* the line that closes an execution */
};

/* False: no room for it. */
static bool write_end(struct trace *trace, const char *name, const char *fields)
{
	text_format(&trace->text, "{\"end\":");
	trace_string(trace, name);
	text_format(&trace->text, "%s}", fields);
	return trace_end_line(trace);
}

/* The trace goes out with its end, in one piece where they fit. */
static void put_end(const struct target *target, const struct workspace *workspace, struct trace *trace,
		    const char *name)
{
	const char *fields = target->end_fields ? target->end_fields(target->self) : "";

	if (!write_end(trace, name, fields)) {
		target->put(target->self, workspace->buffer, trace->complete);
		*trace = trace_in(workspace->buffer, workspace->size);
		write_end(trace, name, fields);
	}
	target->put(target->self, workspace->buffer, trace->complete);
}

static void write_refusal(struct trace *trace, const struct refusal *refusal)
{
	text_format(&trace->text, "{\"refused\":");
	trace_string(trace, refusal->name);
	text_format(&trace->text, ",\"line\":%d,\"reason\":", refusal->line);
	trace_string(trace, refusal->reason);
	text_format(&trace->text, "}");
	trace_end_line(trace);
}

static void write_execution(struct trace *trace, const struct execution *execution, unsigned long number)
{
	static const char *const names[] = {
		[STATUS_DONE] = "done", [STATUS_SETUP] = "setup",   [STATUS_TROUBLE] = "trouble",
		[STATUS_DIED] = "died", [STATUS_KILLED] = "killed", [STATUS_OOM] = "oom",
		[STATUS_HUNG] = "hung",
	};
	char unknown[NAME_ROOM];

	text_format(&trace->text, "{\"execution\":%lu,\"status\":\"%s\"", number, names[execution->status]);
	if (execution->status == STATUS_SETUP || execution->status == STATUS_TROUBLE) {
		text_format(&trace->text, ",\"reason\":");
		trace_string(trace, execution->reason);
	}
	if (execution->status == STATUS_DIED)
		text_format(&trace->text, ",\"signal\":\"%s\"", signal_name(execution->signal, unknown));
	if (execution->status >= STATUS_TROUBLE)
		text_format(&trace->text, ",\"step\":%d", execution->step);
	text_format(&trace->text, "}");
	trace_end_line(trace);
}

/* Executions: one for each order of calls at the same time, where the target makes them in one order at a time. */
static unsigned long count_orders(const struct target *target, const struct program *program)
{
	unsigned long orders = 1;

	for (int threads = 2; target->abilities.orders && threads <= program->most_threads; threads++)
		orders *= (unsigned long)threads;
	return orders;
}

/* Whether there is a next execution, in a sweep or in another order. */
static bool execute(const struct target *target, const struct workspace *workspace, unsigned long number)
{
	struct execution *execution = workspace->execution;
	struct trace *trace = &execution->trace;
	bool goes_on;

	*trace = trace_in(workspace->buffer, workspace->size - ROOM_FOR_END);
	target->execute(target->self, workspace->program, number, execution);
	trace->text.size = workspace->size;
	write_execution(trace, execution, number);
	goes_on = execution->status == STATUS_DONE &&
		  (workspace->program->fault ? execution->fault_reached && number < LONGEST_SWEEP :
					       number + 1 < count_orders(target, workspace->program));
	if (goes_on)
		target->put(target->self, workspace->buffer, trace->complete);
	else
		put_end(target, workspace, trace, workspace->program->name);
	return goes_on;
}

static void put_refusal(const struct target *target, const struct workspace *workspace, const struct refusal *refusal,
			bool has_end)
{
	struct trace trace = trace_in(workspace->buffer, workspace->size);

	write_refusal(&trace, refusal);
	if (has_end)
		put_end(target, workspace, &trace, refusal->name);
	else
		target->put(target->self, workspace->buffer, trace.complete);
}

static bool refuse(struct refusal *refusal, int line, const char *why)
{
	struct text reason = text_in(refusal->reason, sizeof(refusal->reason));

	text_format(&reason, "%s", why);
	text_close(&reason);
	refusal->line = line;
	return false;
}

static bool can_execute(const struct target *target, const struct program *program, struct refusal *refusal)
{
	const struct abilities *abilities = &target->abilities;

	if (program->fault && !abilities->faults[program->fault])
		return refuse(refusal, program->fault_line,
			      program->fault == FAULT_EACH_ALLOCATION ?
				      "fault: this target cannot make an allocation fail" :
				      "fault: this target cannot make an allocation and all later ones fail");
	if (program->fault && program->faulty != ANY_ALLOCATION && !abilities->faults_apart)
		return refuse(refusal, program->fault_line,
			      "fault: this target cannot tell allocations of slab objects from those of pages");
	if (program->memory_line && !abilities->limit_memory)
		return refuse(refusal, program->memory_line, "limit: this target cannot limit the memory of a process");
	if (program->settle_line && !abilities->settle)
		return refuse(
			refusal, program->settle_line,
			"call: this target cannot settle: other programs run on it, or its counts cannot be read");
	if (program->reclaim_line && !abilities->reclaim)
		return refuse(refusal, program->reclaim_line,
			      "call: this target cannot take memory back from a process");
	if (program->defect && !abilities->defects)
		return refuse(refusal, program->defect_line, "defect: this target has none that could be planted");
	return true;
}

void answer_program(const struct target *target, const struct workspace *workspace, const char *text, size_t length)
{
	const struct program *program = workspace->program;
	struct refusal refusal;
	unsigned long number;

	if (!program_parse(text, length, workspace->program, &refusal) || !can_execute(target, program, &refusal)) {
		put_refusal(target, workspace, &refusal, true);
		return;
	}
	number = program->fault_line ? 1 : 0;
	while (execute(target, workspace, number))
		number++;
}

void answer_stray_line(const struct target *target, const struct workspace *workspace, const char *line, size_t length)
{
	struct refusal refusal;

	program_parse(line, length, workspace->program, &refusal);
	put_refusal(target, workspace, &refusal, false);
}
