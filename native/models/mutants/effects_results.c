/* SPDX-License-Identifier: Apache-2.0 */
#include "mutants/call_pages.h"

void give(struct task_call *call)
{
	call->result = -call->mutation->mutant->number;
}

void signal_with(struct task_call *call)
{
	call->result = call->mutation->mutant->number;
}

void undo(struct task_call *call)
{
	mm_copy(now(call), call->before);
}

void succeed(struct task_call *call)
{
	call->result = 0;
}

void succeed_all(struct task_call *call)
{
	each(call, NULL, do_page);
	call->result = 0;
}

void give_and_undo(struct task_call *call)
{
	undo(call);
	give(call);
}

void succeed_evicted(struct task_call *call)
{
	each(call, NULL, evict_page);
	call->result = 0;
}

void commit_anyway(struct task_call *call)
{
	mm_copy(now(call), call->task->draft);
	call->result = 0;
}

void map_unlocked(struct task_call *call)
{
	commit_anyway(call);
	unlock_range(call);
}
