/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes are a program within the limits, or are refused with a reason. */

#include <stdlib.h>
#include <string.h>

#include "program/program.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_pages(const struct program *program, const struct range *range, size_t least)
{
	require(range->count >= least && range->count <= program->pages);
	require(range->page <= program->pages - range->count);
}

static void check_range(const struct program *program, const struct range *range)
{
	check_pages(program, range, 1);
}

static void check_placement(const struct program *program, const struct placement *placement)
{
	check_range(program, &placement->range);
	require(placement->region >= 0 && placement->region < program->region_count);
	require(placement->object_page <= MAX_OBJECT_PAGES);
}

static void check_region(const struct program *program, int index)
{
	const struct region *region = &program->regions[index];

	require(region->kind < KIND_COUNT);
	require(region->alias >= -1 && region->alias < index);
	require(region->alias == -1 || program->regions[region->alias].alias == -1);
	require(region->alias == -1 || program->regions[region->alias].kind == region->kind);
	require(region->object_pages >= 0 && region->object_pages <= MAX_OBJECT_PAGES + MAX_PAGES);
}

static bool has_child(const struct step *step)
{
	return step->operation >= STEP_FORK;
}

/* Nothing in it has children of its own; a thread meets no fault, and is not replaced. */
static void check_child(const struct program *program, int index)
{
	const struct step *step = &program->steps[index];

	require(step->child_end > index && step->child_end <= program->step_count);
	for (const struct step *inner = step + 1; inner < program->steps + step->child_end; inner++) {
		require(!has_child(inner));
		require(step->operation != STEP_THREADS || inner->operation < STEP_TOUCH);
		require(step->operation == STEP_FORK || (!inner->fault && inner->operation != STEP_EXEC));
	}
}

static void check_step(const struct program *program, int index)
{
	const struct step *step = &program->steps[index];

	require(step->operation <= STEP_THREADS);
	require(!step->fault || (program->fault_line && program->fault));
	require(step->operation != STEP_SETTLE || program->settle_line);
	require(step->operation != STEP_RECLAIM || (program->reclaim_line && !program->memory_line));
	if (step->operation == STEP_MMAP)
		check_placement(program, &step->placement);
	if (step->operation == STEP_TOUCH || step->operation == STEP_BRK)
		check_range(program, &step->placement.range);
	/* The old range of mremap may be empty: it asks for a second mapping of the same pages. */
	if (step->operation == STEP_MREMAP) {
		check_pages(program, &step->placement.range, 0);
		check_range(program, &step->to);
	}
	if (has_child(step))
		check_child(program, index);
}

static void check_program(const struct program *program)
{
	require(program->name[0] && strlen(program->name) <= MAX_NAME);
	require(program->time >= 1 && program->time <= MAX_TIME);
	require(program->fault < FAULT_KIND_COUNT && !program->fault == !program->fault_line);
	require(program->pages >= 1 && program->pages <= MAX_PAGES);
	require(program->region_count <= MAX_REGIONS && program->map_count <= MAX_LINES);
	require(program->guard_count <= MAX_LINES && program->lock_count <= MAX_LINES);
	require(program->limit_count <= MAX_LINES && program->step_count <= MAX_STEPS);
	for (int i = 0; i < program->region_count; i++)
		check_region(program, i);
	for (int i = 0; i < program->map_count; i++)
		check_placement(program, &program->maps[i]);
	for (int i = 0; i < program->guard_count; i++)
		check_range(program, &program->guards[i].range);
	for (int i = 0; i < program->lock_count; i++)
		check_range(program, &program->locks[i].range);
	for (int i = 0; i < program->step_count; i++)
		check_step(program, i);
}

static void check_refusal(const struct refusal *refusal)
{
	require(memchr(refusal->reason, '\0', sizeof(refusal->reason)) != NULL);
	require(refusal->reason[0] && refusal->line >= 0);
	require(memchr(refusal->name, '\0', sizeof(refusal->name)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct program program;
	struct refusal refusal;

	if (program_parse((const char *)data, size, &program, &refusal))
		check_program(&program);
	else
		check_refusal(&refusal);
	return 0;
}
