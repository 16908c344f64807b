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
	struct rlimit limit, none;

	if (!page || getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return;
	none = (struct rlimit){ 0, limit.rlim_max };
	facts->privileged =
		setrlimit(RLIMIT_MEMLOCK, &none) == 0 && system.mlock(system.self, page, kernel->page_size) == 0;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

static void count_system(struct kernel *kernel, struct facts *facts)
{
	if (kernel->alone)
		facts->counts = counts_at_start();
}

/* In an order in which what one leaves behind does no harm to the next. */
static void (*const trials[])(struct kernel *kernel, struct facts *facts) = {
	count_system, try_observers,	    try_calls,	try_kinds, try_guard, try_privilege,
	try_fault,    try_persistent_fault, try_memory,
};

enum { TRIAL_COUNT = sizeof(trials) / sizeof(trials[0]) };

/* What was found by all trials before the next one. */
struct finding {
	struct facts facts;
	int next;
};

_Static_assert(sizeof(struct finding) <= PIPE_BUF, "a finding comes through a pipe in one piece, or not at all");

/* A child, where trials may do to the process what they like. What they find comes back by a pipe. */
struct trial_child {
	struct kernel kernel;
	struct finding finding;
	int pipe[2];
};

static void run_trials(void *argument)
{
	struct trial_child *child = argument;
	struct finding *finding = &child->finding;

	while (finding->next < TRIAL_COUNT) {
		trials[finding->next++](&child->kernel, &finding->facts);
		if (write(child->pipe[1], finding, sizeof(*finding)) < 0)
			process_exit(1);
	}
}

/* One child makes all trials; where it does not live through one of them, another child goes on behind that. */
void facts_find(const struct kernel *kernel, struct facts *facts)
{
	struct trial_child child = { .kernel = *kernel };
	struct finding *finding = &child.finding;

	finding->facts.own_pages = -1;
	finding->facts.counts = (struct counts){ -1, -1 };
	if (pipe2(child.pipe, O_CLOEXEC | O_NONBLOCK) == 0) {
		while (finding->next < TRIAL_COUNT) {
			process_run(run_trials, &child, TIME_TO_TRY);
			while (read(child.pipe[0], finding, sizeof(*finding)) == (ssize_t)sizeof(*finding))
				;
			if (finding->next < TRIAL_COUNT)
				finding->next++;
		}
		close(child.pipe[0]);
		close(child.pipe[1]);
	}
	*facts = finding->facts;
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
