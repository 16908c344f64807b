/* SPDX-License-Identifier: Apache-2.0 */
#include "mutants/call_pages.h"

void misreport(struct task_call *call)
{
	if (call->kind & ON_OBSERVE)
		call->snapshot->accounted += call->mutation->drift;
	else
		call->mutation->drift += call->mutation->mutant->number;
}

void count_eager_only(struct task_call *call)
{
	const char *strip = call->snapshot->smaps;

	for (size_t page = 0; page < call->snapshot->pages; page++)
		call->snapshot->accounted -= strip[page] == 'F';
}

void hide_last_lock(struct task_call *call)
{
	char *strip = call->snapshot->smaps;
	size_t page = call->snapshot->pages;

	while (page > 0 && strip[page - 1] != 'L' && strip[page - 1] != 'F')
		page--;
	if (page > 0)
		strip[page - 1] = '.';
}
