/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "program/interpret.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "program/errnames.h"
#include "program/text.h"

struct interpreter {
	const struct program *program;
	const struct system *system;
	struct execution *execution;
	unsigned long arena;
	unsigned long fault;
	struct counts start, now; /* of the step that settled the system */
};

static bool __attribute__((format(printf, 2, 3))) fail(struct interpreter *in, const char *format, ...)
{
	struct text reason = text_in(in->execution->reason, sizeof(in->execution->reason));
	va_list arguments;

	va_start(arguments, format);
	text_format_list(&reason, format, arguments);
	va_end(arguments);
	text_close(&reason);
	in->execution->status = STATUS_SETUP;
	return false;
}

/* Whether the set-up went on. */
static bool check(struct interpreter *in, int line, const char *what, long result)
{
	const struct system *system = in->system;
	const char *more = NULL;
	char unknown[NAME_ROOM];

	if (result >= 0)
		return true;
	if (system->explain)
		more = system->explain(system->self);
	return fail(in, "line %d: %s: %s%s%s", line, what, error_name((int)-result, unknown), more ? ": " : "",
		    more ? more : "");
}

static unsigned long bytes_of(const struct interpreter *in, struct size size)
{
	return size.pages * (unsigned long)in->system->page_size + size.bytes;
}

static unsigned long address_of_page(const struct interpreter *in, size_t page)
{
	return in->arena + (unsigned long)(page * in->system->page_size);
}

static unsigned long bytes_of_range(const struct interpreter *in, struct range range)
{
	return (unsigned long)(range.count * in->system->page_size);
}

static bool advise_huge(struct interpreter *in, const struct placement *map)
{
	const struct system *system = in->system;
	enum huge_wish wish = in->program->regions[map->region].huge;

	if (wish == HUGE_AS_IT_IS || !system->advise_huge)
		return true;
	return check(in, map->line, "huge",
		     system->advise_huge(system->self, wish, address_of_page(in, map->range.page), map->range.count));
}

static bool prepare_memory(struct interpreter *in)
{
	const struct program *program = in->program;
	const struct system *system = in->system;

	for (int i = 0; i < program->region_count; i++) {
		if (!check(in, program->region_lines[i], "region",
			   system->declare(system->self, i, &program->regions[i])))
			return false;
	}
	if (!check(in, program->arena_line, "arena", system->reserve(system->self, program->pages, &in->arena)))
		return false;
	for (int i = 0; i < program->map_count; i++) {
		const struct placement *map = &program->maps[i];

		if (!check(in, map->line, "map",
			   system->map(system->self, map->region, address_of_page(in, map->range.page),
				       map->range.count, map->object_page, map->apart)) ||
		    !advise_huge(in, map))
			return false;
	}
	for (int i = 0; i < program->guard_count; i++) {
		const struct guard *guard = &program->guards[i];

		if (!check(in, guard->line, "guard",
			   system->guard(system->self, address_of_page(in, guard->range.page),
					 bytes_of_range(in, guard->range))))
			return false;
	}
	return true;
}

static bool prepare_locks(struct interpreter *in)
{
	const struct system *system = in->system;

	for (int i = 0; i < in->program->lock_count; i++) {
		const struct earlier_lock *lock = &in->program->locks[i];
		unsigned long address = address_of_page(in, lock->range.page), length = bytes_of_range(in, lock->range);
		long result = lock->on_fault ? system->mlock2(system->self, address, length, MLOCK_ONFAULT) :
					       system->mlock(system->self, address, length);

		if (!check(in, lock->line, "lock", result))
			return false;
	}
	return true;
}

static uint64_t memlock_bytes(const struct interpreter *in, const struct limit *limit)
{
	return limit->kind == LIMIT_MEMLOCK_UNLIMITED ? UINT64_MAX : bytes_of(in, limit->memlock);
}

static bool prepare_limit(struct interpreter *in, const struct limit *limit)
{
	const struct system *system = in->system;

	switch (limit->kind) {
	case LIMIT_MEMLOCK:
	case LIMIT_MEMLOCK_UNLIMITED:
		return check(in, limit->line, "limit memlock",
			     system->limit_memlock(system->self, memlock_bytes(in, limit)));
	case LIMIT_MEMORY:
		return check(in, limit->line, "limit memory", system->limit_memory(system->self, (size_t)limit->slack));
	case LIMIT_MAPPINGS:
		break;
	}
	return true;
}

/* Faults need the privileges; the mappings come last: with them used up nothing else can be prepared. */
static bool prepare_limits(struct interpreter *in)
{
	const struct program *program = in->program;
	const struct system *system = in->system;

	for (int i = 0; i < program->limit_count; i++) {
		if (!prepare_limit(in, &program->limits[i]))
			return false;
	}
	if (in->fault && !check(in, program->fault_line, "fault",
				system->prepare_faults(system->self, program->fault == FAULT_FROM_EACH_ALLOCATION)))
		return false;
	if (program->unprivileged &&
	    !check(in, program->unprivileged_line, "as unprivileged", system->become_unprivileged(system->self)))
		return false;
	for (int i = 0; i < program->limit_count; i++) {
		const struct limit *limit = &program->limits[i];

		if (limit->kind == LIMIT_MAPPINGS &&
		    !check(in, limit->line, "limit mappings", system->limit_mappings(system->self, limit->slack)))
			return false;
	}
	return true;
}

static void write_observer(struct trace *trace, bool seen, const char *name, const char *strip, size_t pages,
			   const char **separator)
{
	if (!seen)
		return;
	text_format(&trace->text, "%s", *separator);
	trace_string(trace, name);
	text_format(&trace->text, ":");
	trace_strip(trace, strip, pages);
	*separator = ",";
}

static void write_strip_or_null(struct trace *trace, const char *name, bool seen, const char *strip, size_t pages)
{
	text_format(&trace->text, ",\"%s\":", name);
	if (seen)
		trace_strip(trace, strip, pages);
	else
		text_format(&trace->text, "null");
}

static void write_snapshot(struct trace *trace, const struct snapshot *snapshot)
{
	const char *separator = "";

	text_format(&trace->text, "{\"locked\":{");
	write_observer(trace, snapshot->has_smaps, snapshot->smaps_name, snapshot->smaps, snapshot->pages, &separator);
	write_observer(trace, snapshot->has_msync, "msync", snapshot->msync, snapshot->pages, &separator);
	text_format(&trace->text, "}");
	write_strip_or_null(trace, "resident", snapshot->has_resident, snapshot->resident, snapshot->pages);
	write_strip_or_null(trace, "mappings", snapshot->has_mappings, snapshot->mappings, snapshot->pages);
	text_format(&trace->text, ",\"accounted\":");
	trace_number_or_null(trace, snapshot->accounted);
	text_format(&trace->text, ",\"elsewhere\":");
	if (snapshot->elsewhere_mapped == -1 || snapshot->elsewhere_locked == -1) {
		text_format(&trace->text, "null}");
	} else {
		text_format(&trace->text, "{\"mapped\":%ld,\"locked\":%ld}}", snapshot->elsewhere_mapped,
			    snapshot->elsewhere_locked);
	}
}

static bool end_line(struct interpreter *in)
{
	struct trace *trace = &in->execution->trace;

	return trace_end_line(trace) || fail(in, "the trace is longer than %lu bytes", (unsigned long)trace->text.size);
}

static void observe(struct interpreter *in)
{
	struct snapshot *snapshot = &in->execution->snapshot;

	snapshot_start(snapshot, in->program->pages);
	in->system->observe(in->system->self, in->arena, snapshot);
}

static bool report_before(struct interpreter *in)
{
	struct trace *trace = &in->execution->trace;

	observe(in);
	text_format(&trace->text, "{\"before\":");
	write_snapshot(trace, &in->execution->snapshot);
	text_format(&trace->text, "}");
	return end_line(in);
}

static void write_stack(struct interpreter *in)
{
	const struct system *system = in->system;
	struct trace *trace = &in->execution->trace;
	const char *function = in->execution->functions;
	int count = 0;

	if (system->stack)
		count = system->stack(system->self, in->execution->functions, sizeof(in->execution->functions));
	for (int i = 0; i < count; i++) {
		text_format(&trace->text, i == 0 ? ",\"stack\":[" : ",");
		trace_string(trace, function);
		function += strlen(function) + 1;
	}
	if (count)
		text_format(&trace->text, "]");
}

static void write_fault(struct interpreter *in, long result)
{
	struct trace *trace = &in->execution->trace;
	bool reached = in->execution->fault_reached;

	text_format(&trace->text, ",\"fault\":\"%s\"", !reached ? "not-reached" : result < 0 ? "failed" : "absorbed");
	if (reached)
		write_stack(in);
}

static void write_count(struct trace *trace, long start, long now)
{
	if (start == -1 || now == -1)
		text_format(&trace->text, "null");
	else
		text_format(&trace->text, "[%ld,%ld]", start, now);
}

/* The step that settled the system says what it found. */
static void write_counts(struct interpreter *in)
{
	struct trace *trace = &in->execution->trace;

	text_format(&trace->text, ",\"system\":{\"mlocked\":");
	write_count(trace, in->start.mlocked, in->now.mlocked);
	text_format(&trace->text, ",\"vm_areas\":");
	write_count(trace, in->start.vm_areas, in->now.vm_areas);
	text_format(&trace->text, "}");
}

static bool report_step(struct interpreter *in, int index, long result, bool fault)
{
	struct trace *trace = &in->execution->trace;
	char unknown[NAME_ROOM];

	text_format(&trace->text, "{\"step\":%d,\"result\":\"%s\"", index,
		    result < 0 ? error_name((int)-result, unknown) : "0");
	if (fault)
		write_fault(in, result);
	if (in->program->steps[index].operation == STEP_SETTLE && result == 0)
		write_counts(in);
	observe(in);
	text_format(&trace->text, ",\"snapshot\":");
	write_snapshot(trace, &in->execution->snapshot);
	text_format(&trace->text, "}");
	return end_line(in);
}

static long call(const struct interpreter *in, const struct step *step)
{
	const struct system *system = in->system;
	unsigned long address = in->arena + bytes_of(in, step->address), length = bytes_of(in, step->length);
	const struct placement *placement = &step->placement;

	switch (step->operation) {
	case STEP_MLOCK:
		return system->mlock(system->self, address, length);
	case STEP_MLOCK2:
		return system->mlock2(system->self, address, length, step->argument);
	case STEP_MUNLOCK:
		return system->munlock(system->self, address, length);
	case STEP_MLOCKALL:
		return system->mlockall(system->self, step->argument);
	case STEP_MUNLOCKALL:
		return system->munlockall(system->self);
	case STEP_MMAP:
		if (step->argument)
			return system->map_locked(system->self, placement->region,
						  address_of_page(in, placement->range.page), placement->range.count,
						  placement->object_page);
		return system->map(system->self, placement->region, address_of_page(in, placement->range.page),
				   placement->range.count, placement->object_page, false);
	case STEP_MUNMAP:
		return system->munmap(system->self, address, length);
	case STEP_MPROTECT:
		return system->mprotect(system->self, address, length, step->argument);
	case STEP_MADVISE:
		return system->madvise(system->self, address, length, step->argument);
	case STEP_MSYNC:
		return system->msync(system->self, address, length, step->argument);
	case STEP_MREMAP:
		return system->mremap(system->self, address_of_page(in, placement->range.page),
				      bytes_of_range(in, placement->range), address_of_page(in, step->to.page),
				      bytes_of_range(in, step->to));
	case STEP_BRK:
		return system->brk(system->self, address_of_page(in, placement->range.page + placement->range.count));
	case STEP_TOUCH:
		return system->touch(system->self, address_of_page(in, placement->range.page), placement->range.count);
	case STEP_OBSERVE:
	case STEP_SETTLE:
	case STEP_EXEC:
	case STEP_FORK:
	case STEP_THREAD:
		break;
	}
	return 0;
}

/* What an access does that a model has found to be none: a kernel ends the process. */
static bool die(struct interpreter *in)
{
	in->execution->status = STATUS_DIED;
	in->execution->signal = SIGSEGV;
	return false;
}

/* Arm, call and disarm stand next to each other: nothing else may allocate in between. */
static bool run_call(struct interpreter *in, int index)
{
	const struct step *step = &in->program->steps[index];
	const struct system *system = in->system;
	bool fault = step->fault && in->fault;
	bool limited = system->enter && step->operation != STEP_TOUCH;
	long result, armed = 0;

	if (step->operation == STEP_SETTLE)
		return report_step(in, index, system->settle(system->self, &in->start, &in->now), false);
	if (limited)
		system->enter(system->self);
	if (fault)
		armed = system->arm(system->self, in->fault);
	result = call(in, step);
	if (step->operation == STEP_TOUCH && result == -EFAULT)
		return die(in);
	if (fault)
		in->execution->fault_reached = system->injected(system->self);
	if (limited)
		system->exit(system->self);
	return check(in, step->line, "fault", armed) && report_step(in, index, result, fault);
}

/* A new image goes on in interpret_resume(); here, exec has failed, or it was a model's. */
static bool run_exec(struct interpreter *in, int index, int end)
{
	const struct system *system = in->system;
	const struct resume resume = { .arena = in->arena, .fault = in->fault, .step = index, .end = end };
	long result = system->exec(system->self, in->program, &resume, in->program->steps[index].argument);

	return report_step(in, index, result, false);
}

static bool run_steps(struct interpreter *in, int first, int end);

struct job {
	struct interpreter *in;
	int first, end;
};

static void run_job(void *argument)
{
	const struct job *job = argument;

	run_steps(job->in, job->first, job->end);
}

static bool run_thread(struct interpreter *in, int index)
{
	const struct system *system = in->system;
	struct job job = { in, index + 1, in->program->steps[index].child_end };
	long result = system->thread(system->self, run_job, &job);

	if (in->execution->status != STATUS_DONE)
		return false;
	in->execution->step = index;
	return report_step(in, index, result, false);
}

/* After `leave` a model is the parent again; a kernel's child is gone. */
static bool run_fork(struct interpreter *in, int index)
{
	const struct system *system = in->system;
	struct execution *execution = in->execution;
	long result = system->fork(system->self);

	if (result == 0) {
		run_steps(in, index + 1, in->program->steps[index].child_end);
		system->leave(system->self);
	}
	if (execution->status != STATUS_DONE)
		return false;
	execution->step = index;
	return report_step(in, index, result, false);
}

static bool run_step(struct interpreter *in, int index, int end)
{
	switch (in->program->steps[index].operation) {
	case STEP_FORK:
		return run_fork(in, index);
	case STEP_THREAD:
		return run_thread(in, index);
	case STEP_EXEC:
		return run_exec(in, index, end);
	default:
		return run_call(in, index);
	}
}

static bool run_steps(struct interpreter *in, int first, int end)
{
	int index = first;

	while (index < end) {
		const struct step *step = &in->program->steps[index];

		in->execution->step = index;
		if (!run_step(in, index, end))
			return false;
		index = step->operation == STEP_FORK || step->operation == STEP_THREAD ? step->child_end : index + 1;
	}
	return true;
}

void interpret(const struct program *program, const struct system *system, unsigned long fault,
	       struct execution *execution)
{
	struct interpreter in = { .program = program, .system = system, .execution = execution, .fault = fault };

	execution->status = STATUS_DONE;
	execution->step = -1;
	execution->fault_reached = false;
	if (prepare_memory(&in) && prepare_locks(&in) && prepare_limits(&in) && report_before(&in))
		run_steps(&in, 0, program->step_count);
}

void interpret_resume(const struct program *program, const struct system *system, const struct resume *resume,
		      struct execution *execution)
{
	struct interpreter in = {
		.program = program,
		.system = system,
		.execution = execution,
		.arena = resume->arena,
		.fault = resume->fault,
	};

	if (report_step(&in, resume->step, 0, false))
		run_steps(&in, resume->step + 1, resume->end);
}
