/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "executor.h"

#include <signal.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/defect.h"
#include "kernel/files.h"
#include "kernel/image.h"
#include "kernel/own_memory.h"
#include "kernel/proc.h"
#include "program/errnames.h"

enum {
	LEFT_FOR_PROGRAMS = 1024, /* mappings: what 256 maps can become that 256 locks split */
	MANY_MAPPINGS = 8 * LEFT_FOR_PROGRAMS,
};

static long count_oom_kills(void)
{
	return proc_number("/proc/vmstat", "oom_kill ");
}

/* Whether the OOM killer has struck since this was last asked. */
static bool was_oom(struct executor_parent *parent)
{
	long before = parent->oom_kills;

	parent->oom_kills = count_oom_kills();
	return before >= 0 && parent->oom_kills > before;
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

static void set_status(struct executor_parent *parent, struct execution *execution, struct ending ending)
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
			execution->status = was_oom(parent) ? STATUS_OOM : STATUS_KILLED;
	} else if (WEXITSTATUS(ending.status) && execution->status == STATUS_DONE) {
		fail(execution, "the process ended with %d", WEXITSTATUS(ending.status));
	}
}

struct job {
	struct executor *executor;
	unsigned long fault;
};

static void do_job(void *argument)
{
	const struct job *job = argument;
	struct executor *executor = job->executor;
	struct system system = kernel_system(&executor->kernel);

	progress_start(&executor->progress, executor->kernel.progress_file, executor->program.pages);
	interpret(&executor->program, &system, job->fault, &executor->progress.execution);
}

/* A process of the fork server has the program of another time: the job comes to it by a file. */
static ssize_t describe(struct iovec parts[2], struct job *job)
{
	parts[0] = (struct iovec){ job, sizeof(*job) };
	parts[1] = (struct iovec){ &job->executor->program, sizeof(job->executor->program) };
	return (ssize_t)(parts[0].iov_len + parts[1].iov_len);
}

static void do_handed_job(void *argument)
{
	struct job job = { .executor = argument };
	struct iovec parts[2];
	ssize_t size = describe(parts, &job);

	if (preadv(job.executor->kernel.handover_file, parts, 2, 0) != size)
		process_exit(1);
	do_job(&job);
}

static bool fill_up(void *argument)
{
	return filler_build(&((struct executor *)argument)->kernel, LEFT_FOR_PROGRAMS) == 0;
}

static bool uses_up_mappings(const struct program *program)
{
	for (int i = 0; i < program->limit_count; i++) {
		if (program->limits[i].kind == LIMIT_MAPPINGS)
			return true;
	}
	return false;
}

/* A guest, whose processes are counted, has few mappings to use up. */
static bool can_be_full(const struct kernel *kernel)
{
	return !kernel->alone && kernel->handover_file >= 0 && kernel->max_map_count >= MANY_MAPPINGS &&
	       filler_size(kernel);
}

/* To fill a process takes a tenth of a second, and to fork one that is full a third of that. False: there is none. */
static bool run_in_full_process(struct executor *executor, struct executor_parent *parent, struct job *job,
				struct ending *ending)
{
	struct iovec parts[2];
	ssize_t size = describe(parts, job);

	if (!uses_up_mappings(&executor->program) || !can_be_full(&executor->kernel))
		return false;
	if (!parent->full_was_tried)
		fork_server_start(&parent->full, fill_up, do_handed_job, executor);
	parent->full_was_tried = true;
	return pwritev(executor->kernel.handover_file, parts, 2, 0) == size &&
	       fork_server_run(&parent->full, executor->program.time, ending);
}

bool executor_start(struct executor *executor, struct executor_parent *parent, bool alone)
{
	struct kernel *kernel = &executor->kernel;

	own_memory_trim();
	kernel_start(kernel, alone);
	kernel_raise_limits(kernel);
	kernel->progress_file = progress_open();
	kernel->handover_file = (int)file_in_memory();
	parent->progress.file = kernel->progress_file;
	parent->oom_kills = count_oom_kills();
	return kernel->progress_file >= 0;
}

void executor_stop(struct executor *executor, struct executor_parent *parent)
{
	if (parent->full_was_tried)
		fork_server_stop(&parent->full);
	kernel_stop(&executor->kernel);
}

void executor_run(struct executor *executor, struct executor_parent *parent, unsigned long fault,
		  struct execution *execution)
{
	struct job job = { .executor = executor, .fault = fault };
	struct ending ending;

	if (executor->program.defect && kernel_plant_defect(executor->program.defect) < 0) {
		fail(execution, "the defect cannot be planted");
		return;
	}
	if (!progress_make_room(&executor->progress, executor->program.pages)) {
		fail(execution, "there is no memory for what is seen of %zu pages", executor->program.pages);
		if (executor->program.defect)
			kernel_plant_defect(0);
		return;
	}
	if (executor->program.fault && executor->kernel.alone)
		kernel_faults_choose(&executor->kernel.faults, executor->program.faulty);
	if (!run_in_full_process(executor, parent, &job, &ending))
		ending = process_run(do_job, &job, executor->program.time);
	if (executor->program.defect)
		kernel_plant_defect(0);
	progress_give_up_room(&executor->progress);
	execution->status = STATUS_DONE;
	execution->step = -1;
	execution->fault_reached = false;
	if (!progress_collect(&parent->progress, execution))
		fail(execution, "the trace is longer than %lu bytes", (unsigned long)execution->trace.text.size);
	set_status(parent, execution, ending);
}

void executor_go_on(struct executor *executor, int file)
{
	struct kernel *kernel = &executor->kernel;
	struct resume resume;
	struct system system;

	own_memory_trim();
	if (!kernel_image_take_over(file, kernel, &executor->program, &resume))
		process_exit(1);
	kernel->explanation = NULL;
	system = kernel_system(kernel);
	progress_start(&executor->progress, kernel->progress_file, executor->program.pages);
	interpret_resume(&executor->program, &system, &resume, &executor->progress.execution);
	process_exit(0);
}
