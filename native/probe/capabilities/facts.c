/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "capabilities/facts.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capabilities/trials.h"
#include "kernel/counts.h"
#include "kernel/defect.h"
#include "kernel/process.h"

/*
 * Milliseconds for one trial, of which the longest waits for the system to
 * settle: on a busy machine a guest is slow. A probe whose trial hangs says so
 * before whoever waits for its hello gives up.
 */
enum { TIME_TO_TRY = 10000, TIME_TO_TRY_IN_GUEST = 30000 };

/*
 * In an order in which what one leaves behind does no harm to the next. Locks
 * come last, and of them what binds all later memory: calls that should undo
 * them may not do it.
 */
static const struct trial *const batches[] = {
	trials_of_counts,  trials_of_observers, trials_of_calls,	  trials_of_kinds,	 trials_of_faults,
	trials_of_reclaim, trials_of_locks,	trials_of_locks_on_fault, trials_of_whole_locks,
};

enum { BATCH_COUNT = sizeof(batches) / sizeof(batches[0]) };

static int count_trials(const struct trial *trials)
{
	int count = 0;

	while (trials[count].name)
		count++;
	return count;
}

const struct trial *trial_numbered(int number)
{
	for (int i = 0; i < BATCH_COUNT; i++) {
		int count = count_trials(batches[i]);

		if (number < count)
			return &batches[i][number];
		number -= count;
	}
	return NULL;
}

unsigned long trial_memory(const struct kernel *kernel, size_t pages)
{
	long address = kernel_mmap(0, pages * kernel->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0, kernel->page_size);

	return kernel_is_error(address) ? 0 : (unsigned long)address;
}

static long try_counts(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	(void)trial;
	if (kernel->alone)
		facts->counts = counts_at_start();
	return 0;
}

const struct trial trials_of_counts[] = { { .name = "counts", .about = ABOUT_FACT, .run = try_counts }, { 0 } };

/* What was found by all trials before the next one. */
struct finding {
	struct facts facts;
	int next;
};

struct trial_child {
	struct kernel kernel;
	struct finding finding;
};

/* What is found comes back by the file in which executions will tell what they do, one finding after another. */
static void run_trials(void *argument)
{
	struct trial_child *child = argument;
	struct finding *finding = &child->finding;
	const struct trial *trial;

	while ((trial = trial_numbered(finding->next)) != NULL) {
		long result = trial->run(&child->kernel, &finding->facts, trial);

		finding->facts.attempts[finding->next++] = (struct attempt){ ATTEMPT_ANSWERED, (int)-result };
		if (write(child->kernel.progress_file, finding, sizeof(*finding)) != (ssize_t)sizeof(*finding))
			process_exit(errno);
	}
}

/* The last one in the file, which is empty afterwards; where there is none, it stays as it is. */
static void take_finding(int file, struct finding *finding)
{
	const off_t size = sizeof(*finding);
	off_t whole = lseek(file, 0, SEEK_END) / size;
	struct finding last;
	bool is_there = whole > 0 && pread(file, &last, sizeof(last), (whole - 1) * size) == size;

	if (ftruncate(file, 0) == 0 && is_there)
		*finding = last;
}

static struct attempt attempt_of(struct ending ending)
{
	if (ending.error)
		return (struct attempt){ ATTEMPT_NOT_STARTED, (int)ending.error };
	if (ending.hung)
		return (struct attempt){ ATTEMPT_HUNG, 0 };
	if (WIFSIGNALED(ending.status))
		return (struct attempt){ ATTEMPT_DIED, WTERMSIG(ending.status) };
	return (struct attempt){ ATTEMPT_LOST, WEXITSTATUS(ending.status) };
}

/*
 * One child makes all trials. Where it does not live through one of them,
 * another child goes on behind that; where the time was not enough for so many,
 * another goes on with it.
 */
void facts_find(const struct kernel *kernel, struct facts *facts)
{
	static struct trial_child child; /* a stack may be small */
	long time = kernel->alone ? TIME_TO_TRY_IN_GUEST : TIME_TO_TRY;
	struct finding *finding = &child.finding;

	child.kernel = *kernel;
	finding->facts.own_pages = -1;
	finding->facts.counts = (struct counts){ COUNT_UNSEEN, COUNT_UNSEEN };
	while (trial_numbered(finding->next)) {
		int first = finding->next;
		struct ending ending = process_run(run_trials, &child, time);

		take_finding(kernel->progress_file, finding);
		if (trial_numbered(finding->next) && (!ending.hung || finding->next == first))
			finding->facts.attempts[finding->next++] = attempt_of(ending);
	}
	*facts = finding->facts;
}

struct abilities facts_abilities(const struct kernel *kernel, const struct facts *facts)
{
	struct abilities abilities = {
		.faults_apart = facts->faults_apart,
		.limit_memory = facts->limit_memory,
		.settle = kernel->alone && facts->counts.mlocked != COUNT_UNSEEN,
		.defects = kernel->alone && kernel_has_defects(),
	};

	for (int kind = 0; kind < KIND_COUNT; kind++)
		abilities.reclaim |= facts->reclaim[kind];
	memcpy(abilities.faults, facts->faults, sizeof(abilities.faults));
	return abilities;
}
