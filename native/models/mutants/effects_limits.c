/* SPDX-License-Identifier: Apache-2.0 */
#include "mutants/call_pages.h"

static void remember_limit(struct task_call *call, uint64_t bytes)
{
	call->mutation->kept = call->task->memlock;
	call->task->memlock = bytes;
}

void more_allowed(struct task_call *call)
{
	uint64_t memlock = call->task->memlock;
	int64_t more = (int64_t)call->mutation->mutant->number * (1 << PAGE_SHIFT);
	bool underflows = more < 0 && memlock < (uint64_t)-more;

	remember_limit(call, memlock == UINT64_MAX || memlock == 0 || underflows ? memlock : memlock + (uint64_t)more);
}

void zero_as_none(struct task_call *call)
{
	uint64_t memlock = call->task->memlock;

	remember_limit(call, memlock ? memlock : UINT64_MAX);
}

void round_limit_up(struct task_call *call)
{
	uint64_t memlock = call->task->memlock, part = memlock % (1 << PAGE_SHIFT);

	remember_limit(call, part && memlock != UINT64_MAX ? memlock - part + (1 << PAGE_SHIFT) : memlock);
}

/* What is locked in the range already is taken off once more. */
void count_twice(struct task_call *call)
{
	uint64_t memlock = call->task->memlock;
	uint64_t twice = (uint64_t)mm_locked_pages(now(call), clamped(call)) << PAGE_SHIFT;

	remember_limit(call, memlock == UINT64_MAX || memlock < twice ? memlock : memlock - twice);
}

void as_privileged(struct task_call *call)
{
	call->mutation->kept = call->task->privileged;
	call->task->privileged = true;
}

void as_unprivileged(struct task_call *call)
{
	call->mutation->kept = call->task->privileged;
	call->task->privileged = false;
}

void restore(struct task_call *call)
{
	const struct mutant *mutant = call->mutation->mutant;

	if (mutant->arrange == as_privileged || mutant->arrange == as_unprivileged)
		call->task->privileged = call->mutation->kept;
	else
		call->task->memlock = call->mutation->kept;
}
