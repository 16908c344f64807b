/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <string.h>

#include "capabilities/trials.h"

/* Kinds of memory that can go, one page of each: the heap has to come first, and of a pool of huge pages none is tried. */
static const enum kind kinds[] = {
	KIND_HEAP, KIND_ANONYMOUS, KIND_FILE, KIND_SHARED, KIND_SHM, KIND_MEMFD, KIND_STACK, KIND_SYSV, KIND_DROPPABLE,
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool declare(struct kernel *kernel, int index)
{
	const struct region region = trial_region(kinds[index], index, 1);

	return kernel_declare(kernel, index, &region) == 0;
}

/* Which of the pages are in memory. */
static void look(struct kernel *kernel, unsigned long arena, bool there[KINDS])
{
	static struct snapshot snapshot;
	static char room[STRIP_COUNT * KINDS];

	snapshot_start(&snapshot, KINDS, room);
	kernel_observe(kernel, arena, &snapshot);
	for (int i = 0; i < KINDS; i++)
		there[i] = snapshot.has_resident && snapshot.resident[i] == 'R';
}

/* A page that was used, and that nobody has locked, is gone when memory was taken back. */
static long try_reclaim(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	static struct kernel own; /* a stack may be small */
	bool declared[KINDS], before[KINDS], after[KINDS];
	unsigned long arena;

	(void)trial;
	own = *kernel;
	own.observers = facts->observers;
	if (kernel_prepare_reclaim(&own) < 0)
		return 0;
	for (int i = 0; i < KINDS; i++)
		declared[i] = declare(&own, i);
	if (kernel_reserve(&own, KINDS, &arena) < 0)
		return 0;
	for (int i = 0; i < KINDS; i++) {
		unsigned long page = arena + (size_t)i * own.page_size;

		if (declared[i] && kernel_map(&own, i, page, 1, 0, false) == 0)
			*(volatile char *)page = 1;
	}
	look(&own, arena, before);
	if (kernel_reclaim(&own) < 0)
		return 0;
	look(&own, arena, after);
	for (int i = 0; i < KINDS; i++)
		facts->reclaim[kinds[i]] = before[i] && !after[i];
	return 0;
}

const struct trial trials_of_reclaim[] = { { .name = "reclaim", .about = ABOUT_FACT, .run = try_reclaim }, { 0 } };
