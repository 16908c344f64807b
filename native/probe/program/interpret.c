/* SPDX-License-Identifier: Apache-2.0 */
#include "program/interpret.h"

#include "program/errnames.h"
#include "program/interpreter.h"

static long remap(const struct interpreter *in, const struct step *step)
{
	const struct system *system = in->system;
	const struct range *from = &step->placement.range;

	return (step->argument ? system->mremap_and_stay : system->mremap)(
		system->self, address_of_page(in, from->page), bytes_of_range(in, *from),
		address_of_page(in, step->to.page), bytes_of_range(in, step->to));
}

static uint64_t limit_of(const struct interpreter *in, struct size limit, bool unlimited)
{
	return unlimited ? UINT64_MAX : bytes_of(in, limit);
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
		return remap(in, step);
	case STEP_BRK:
		return system->brk(system->self, address_of_page(in, placement->range.page + placement->range.count));
	case STEP_SETRLIMIT:
		return system->setrlimit(system->self, limit_of(in, step->address, step->unlimited[0]),
					 limit_of(in, step->length, step->unlimited[1]));
	case STEP_FTRUNCATE:
		return system->ftruncate(system->self, placement->region, placement->object_page);
	case STEP_SHMCTL:
		return system->shmctl(system->self, placement->region, step->argument);
	case STEP_TOUCH:
		return system->touch(system->self, address_of_page(in, placement->range.page), placement->range.count);
	case STEP_OBSERVE:
	case STEP_SETTLE:
	case STEP_RECLAIM:
	case STEP_EXEC:
	case STEP_VFORK:
	case STEP_POSIX_SPAWN:
	case STEP_FORK:
	case STEP_THREAD:
	case STEP_THREADS:
		break;
	}
	return 0;
}

/* What a kernel does to the process, by a signal that a model has only named. */
static bool die(struct interpreter *in, int signal)
{
	in->execution->status = STATUS_DIED;
	in->execution->signal = signal;
	return false;
}

/* Arm, call and disarm stand next to each other: nothing else may allocate in between. */
static bool run_call(struct interpreter *in, int index)
{
	const struct step *step = &in->program->steps[index];
	const struct system *system = in->system;
	bool fault = step->fault && in->fault;
	bool limited = system->enter && step->operation != STEP_TOUCH;
	long result, armed = 0, reached = 0;

	if (step->operation == STEP_SETTLE)
		return report_step(in, index, system->settle(system->self, &in->start, &in->now), false);
	if (limited)
		system->enter(system->self);
	if (fault)
		armed = system->arm(system->self, in->fault);
	result = call(in, step);
	if (step->operation == STEP_TOUCH && result > 0)
		return die(in, (int)result);
	if (fault) {
		reached = system->injected(system->self);
		in->execution->fault_reached = reached > 0;
	}
	if (limited)
		system->exit(system->self);
	return check_setup(in, step->line, "fault", armed) && check_setup(in, step->line, "fault", reached) &&
	       report_step(in, index, result, fault);
}

/* What a step needs and is not under test failed: that says nothing about it. */
static bool fail_step(struct interpreter *in, const char *what, long result)
{
	char unknown[NAME_ROOM];

	fail_setup(in, "%s: %s", what, error_name((int)-result, unknown));
	in->execution->status = STATUS_TROUBLE;
	return false;
}

/* A new image goes on in interpret_resume(); here, exec has failed, or it was a model's. */
static bool run_exec(struct interpreter *in, int index, int end)
{
	const struct system *system = in->system;
	const struct resume resume = { .arena = in->arena, .fault = in->fault, .step = index, .end = end };
	bool missing = in->program->steps[index].argument;
	long result = system->exec(system->self, in->program, &resume, missing);

	if (result < 0 && !missing)
		return fail_step(in, "exec", result);
	return report_step(in, index, result, false);
}

/* A program that is not there is the one thing that posix_spawn may tell; a child of vfork keeps it to itself. */
static bool run_spawn(struct interpreter *in, int index)
{
	const struct step *step = &in->program->steps[index];
	const struct system *system = in->system;
	bool by_vfork = step->operation == STEP_VFORK;
	enum child_image image = (enum child_image)step->argument;
	long result = (by_vfork ? system->vfork : system->posix_spawn)(system->self, image);

	if (result < 0 && (by_vfork || image != CHILD_MISSING))
		return fail_step(in, by_vfork ? "vfork" : "posix_spawn", result);
	return report_step(in, index, result, false);
}

static bool run_reclaim(struct interpreter *in, int index)
{
	long result = in->system->reclaim(in->system->self);

	return result < 0 ? fail_step(in, "reclaim", result) : report_step(in, index, result, false);
}

static void publish(const struct interpreter *in)
{
	if (in->execution->publish)
		in->execution->publish(in->execution);
}

static bool run_steps(struct interpreter *in, int first, int end);

struct thread_steps {
	struct interpreter *in;
	int first, end;
};

static void run_steps_of_thread(void *argument)
{
	const struct thread_steps *steps = argument;

	run_steps(steps->in, steps->first, steps->end);
}

static bool run_thread(struct interpreter *in, int index)
{
	const struct system *system = in->system;
	struct thread_steps steps = { in, index + 1, in->program->steps[index].child_end };
	long result = system->thread(system->self, run_steps_of_thread, &steps);

	if (in->execution->status != STATUS_DONE)
		return false;
	in->execution->step = index;
	return result < 0 ? fail_step(in, "thread", result) : report_step(in, index, result, false);
}

/*
 * After `leave` a model is the parent again; a kernel's child is gone, and where it has failed its parent as well.
 * A fault is armed for the parent alone.
 */
static bool run_fork(struct interpreter *in, int index)
{
	const struct system *system = in->system;
	const struct step *step = &in->program->steps[index];
	struct execution *execution = in->execution;
	bool fault = step->fault && in->fault;
	long result, reached = 0;

	if (fault && !check_setup(in, step->line, "fault", system->arm(system->self, in->fault)))
		return false;
	result = system->fork(system->self);
	if (result == 0) {
		run_steps(in, index + 1, step->child_end);
		publish(in);
		system->leave(system->self, execution->status == STATUS_DONE);
	}
	if (fault)
		reached = system->injected(system->self);
	if (execution->status != STATUS_DONE)
		return false;
	execution->step = index;
	execution->fault_reached |= reached > 0;
	if (result < 0 && !fault)
		return fail_step(in, "fork", result);
	return check_setup(in, step->line, "fault", reached) && report_step(in, index, result, fault);
}

struct calls {
	struct interpreter *in;
	int first;
};

/* Each thread has its own results; a call mostly gives what it gave before. */
static void make_call(void *argument, int thread)
{
	const struct calls *calls = argument;
	struct results *results = &calls->in->results;
	long result = call(calls->in, &calls->in->program->steps[calls->first + thread]);
	int count = results->count[thread], found = 0;

	if (result > 0)
		result = 0;
	while (found < count && results->seen[thread][found] != result)
		found++;
	if (found < count || count == MOST_RESULTS)
		return;
	results->seen[thread][count] = result;
	results->count[thread] = count + 1;
}

/* Nothing but the calls is made from the first to the last of them; what they left is looked at afterwards. */
static bool run_threads(struct interpreter *in, int index)
{
	const struct system *system = in->system;
	const struct step *step = &in->program->steps[index];
	struct calls calls = { in, index + 1 };
	long result;

	in->results = (struct results){ .threads = step->child_end - index - 1 };
	if (system->enter)
		system->enter(system->self);
	result = system->at_once(system->self, in->results.threads, step->times, in->order, make_call, &calls);
	if (system->exit)
		system->exit(system->self);
	return result < 0 ? fail_step(in, "threads", result) : report_step(in, index, result, false);
}

static bool run_step(struct interpreter *in, int index, int end)
{
	switch (in->program->steps[index].operation) {
	case STEP_FORK:
		return run_fork(in, index);
	case STEP_THREAD:
		return run_thread(in, index);
	case STEP_THREADS:
		return run_threads(in, index);
	case STEP_EXEC:
		return run_exec(in, index, end);
	case STEP_VFORK:
	case STEP_POSIX_SPAWN:
		return run_spawn(in, index);
	case STEP_RECLAIM:
		return run_reclaim(in, index);
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
		publish(in);
		if (!run_step(in, index, end))
			return false;
		index = step->operation >= STEP_FORK ? step->child_end : index + 1;
	}
	return true;
}

/* Nothing that was seen counts where a limit was another one meanwhile. */
static void check_limits(struct interpreter *in)
{
	const struct system *system = in->system;
	const char *changed = NULL;

	if (in->execution->status == STATUS_DONE && system->limit_changed)
		changed = system->limit_changed(system->self);
	if (changed)
		fail_setup(in, "%s was changed from outside", changed);
}

void interpret(const struct program *program, const struct system *system, unsigned long number,
	       struct execution *execution)
{
	struct interpreter in = {
		.program = program,
		.system = system,
		.execution = execution,
		.fault = program->fault ? number : 0,
		.order = number,
	};

	execution->status = STATUS_DONE;
	execution->step = -1;
	execution->fault_reached = false;
	if (prepare(&in) && report_before(&in))
		run_steps(&in, 0, program->step_count);
	check_limits(&in);
	publish(&in);
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
	check_limits(&in);
	publish(&in);
}
