/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "capabilities/facts.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capabilities/trials.h"
#include "kernel/counts.h"
#include "kernel/process.h"

enum { TIME_TO_TRY = 30000 };

/* A trial runs in a child of its own, where it may do to the process what it likes. What it found comes back by a pipe. */
struct trial {
	struct kernel kernel;
	struct facts facts;
	void (*run)(struct kernel *kernel, struct facts *facts);
	int pipe[2];
};

static void run_trial(void *argument)
{
	struct trial *trial = argument;

	trial->run(&trial->kernel, &trial->facts);
	if (write(trial->pipe[1], &trial->facts, sizeof(trial->facts)) < 0)
		process_exit(1);
}

_Static_assert(sizeof(struct facts) <= PIPE_BUF, "facts come through a pipe in one piece, or not at all");

static void try_in_child(const struct kernel *kernel, struct facts *facts, void (*run)(struct kernel *, struct facts *))
{
	struct trial trial = { .kernel = *kernel, .facts = *facts, .run = run };

	if (pipe2(trial.pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	process_run(run_trial, &trial, TIME_TO_TRY);
	if (read(trial.pipe[0], &trial.facts, sizeof(trial.facts)) == (ssize_t)sizeof(trial.facts))
		*facts = trial.facts;
	close(trial.pipe[0]);
	close(trial.pipe[1]);
}

unsigned long trial_memory(const struct kernel *kernel, size_t pages)
{
	long address = kernel_mmap(0, pages * kernel->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0, kernel->page_size);

	return kernel_is_error(address) ? 0 : (unsigned long)address;
}

static void try_privilege(struct kernel *kernel, struct facts *facts)
{
	struct system system = kernel_raw_system(kernel);
	unsigned long page = trial_memory(kernel, 1);
	struct rlimit limit;

	if (!page || getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return;
	limit.rlim_cur = 0;
	facts->privileged =
		setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && system.mlock(system.self, page, kernel->page_size) == 0;
}

static void count_system(struct kernel *kernel, struct facts *facts)
{
	(void)kernel;
	facts->counts = counts_at_start();
}

void facts_find(const struct kernel *kernel, struct facts *facts)
{
	facts->own_pages = -1;
	facts->counts = (struct counts){ -1, -1 };
	if (kernel->alone)
		try_in_child(kernel, facts, count_system);
	try_in_child(kernel, facts, try_calls);
	try_in_child(kernel, facts, try_kinds);
	try_in_child(kernel, facts, try_guard);
	try_in_child(kernel, facts, try_privilege);
	try_in_child(kernel, facts, try_observers);
	try_in_child(kernel, facts, try_fault);
	try_in_child(kernel, facts, try_persistent_fault);
	try_in_child(kernel, facts, try_memory);
}

struct abilities facts_abilities(const struct kernel *kernel, const struct facts *facts)
{
	struct abilities abilities = {
		.limit_memory = facts->limit_memory,
		.settle = kernel->alone && facts->counts.mlocked >= 0,
	};

	memcpy(abilities.faults, facts->faults, sizeof(abilities.faults));
	return abilities;
}
