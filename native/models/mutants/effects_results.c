/* SPDX-License-Identifier: Apache-2.0 */
#include "mutants/call_pages.h"

void give(struct call *call)
{
	call->result = -call->mutation->mutant->number;
}

void undo(struct call *call)
{
	mm_copy(now(call), call->before);
}

void succeed(struct call *call)
{
	call->result = 0;
}

void succeed_all(struct call *call)
{
	each(call, NULL, do_page);
	call->result = 0;
}

void give_and_undo(struct call *call)
{
	undo(call);
	give(call);
}

void succeed_evicted(struct call *call)
{
	each(call, NULL, evict_page);
	call->result = 0;
}

void commit_anyway(struct call *call)
{
	mm_copy(now(call), call->task->draft);
	call->result = 0;
}

void map_unlocked(struct call *call)
{
	commit_anyway(call);
	unlock_range(call);
}
