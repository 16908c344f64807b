/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/mman.h>

#include "program/errnames.h"
#include "program/interpreter.h"
#include "program/text.h"

bool fail_setup(struct interpreter *in, const char *format, ...)
{
	struct text reason = text_in(in->execution->reason, sizeof(in->execution->reason));
	va_list arguments;

	va_start(arguments, format);
	text_format_list(&reason, format, arguments);
	va_end(arguments);
	text_close(&reason);
	in->execution->status = STATUS_SETUP;
	return false;
}

bool check_setup(struct interpreter *in, int line, const char *what, long result)
{
	const struct system *system = in->system;
	const char *more = NULL;
	char unknown[NAME_ROOM];

	if (result >= 0)
		return true;
	if (system->explain)
		more = system->explain(system->self);
	return fail_setup(in, "line %d: %s: %s%s%s", line, what, error_name((int)-result, unknown), more ? ": " : "",
			  more ? more : "");
}

static bool advise_huge(struct interpreter *in, const struct placement *map)
{
	const struct system *system = in->system;
	enum huge_wish wish = in->program->regions[map->region].huge;

	if (wish == HUGE_AS_IT_IS || !system->advise_huge)
		return true;
	return check_setup(in, map->line, "huge",
			   system->advise_huge(system->self, wish, address_of_page(in, map->range.page),
					       map->range.count));
}

static bool prepare_memory(struct interpreter *in)
{
	const struct program *program = in->program;
	const struct system *system = in->system;

	for (int i = 0; i < program->region_count; i++) {
		if (!check_setup(in, program->region_lines[i], "region",
				 system->declare(system->self, i, &program->regions[i])))
			return false;
	}
	if (!check_setup(in, program->arena_line, "arena", system->reserve(system->self, program->pages, &in->arena)))
		return false;
	for (int i = 0; i < program->map_count; i++) {
		const struct placement *map = &program->maps[i];

		if (!check_setup(in, map->line, "map",
				 system->map(system->self, map->region, address_of_page(in, map->range.page),
					     map->range.count, map->object_page, map->apart)) ||
		    !advise_huge(in, map))
			return false;
	}
	for (int i = 0; i < program->guard_count; i++) {
		const struct guard *guard = &program->guards[i];

		if (!check_setup(in, guard->line, "guard",
				 system->guard(system->self, address_of_page(in, guard->range.page),
					       bytes_of_range(in, guard->range))))
			return false;
	}
	return true;
}

static bool prepare_locks(struct interpreter *in)
{
	const struct system *system = in->system;

	for (int i = 0; i < in->program->lock_count; i++) {
		const struct earlier_lock *lock = &in->program->locks[i];
		unsigned long address = address_of_page(in, lock->range.page), length = bytes_of_range(in, lock->range);
		long result = lock->on_fault ? system->mlock2(system->self, address, length, MLOCK_ONFAULT) :
					       system->mlock(system->self, address, length);

		if (!check_setup(in, lock->line, "lock", result))
			return false;
	}
	return true;
}

static uint64_t memlock_bytes(const struct interpreter *in, const struct limit *limit)
{
	return limit->kind == LIMIT_MEMLOCK_UNLIMITED ? UINT64_MAX : bytes_of(in, limit->memlock);
}

static bool prepare_limit(struct interpreter *in, const struct limit *limit)
{
	const struct system *system = in->system;

	switch (limit->kind) {
	case LIMIT_MEMLOCK:
	case LIMIT_MEMLOCK_UNLIMITED:
		return check_setup(in, limit->line, "limit memlock",
				   system->limit_memlock(system->self, memlock_bytes(in, limit)));
	case LIMIT_MEMORY:
		return check_setup(in, limit->line, "limit memory",
				   system->limit_memory(system->self, (size_t)limit->slack));
	case LIMIT_MAPPINGS:
		break;
	}
	return true;
}

/* Faults need the privileges; the mappings come last: with them used up nothing else can be prepared. */
static bool prepare_limits(struct interpreter *in)
{
	const struct program *program = in->program;
	const struct system *system = in->system;

	for (int i = 0; i < program->limit_count; i++) {
		if (!prepare_limit(in, &program->limits[i]))
			return false;
	}
	if (in->fault && !check_setup(in, program->fault_line, "fault",
				      system->prepare_faults(system->self, program->fault == FAULT_FROM_EACH_ALLOCATION,
							     program->faulty)))
		return false;
	if (program->unprivileged &&
	    !check_setup(in, program->unprivileged_line, "as unprivileged", system->become_unprivileged(system->self)))
		return false;
	for (int i = 0; i < program->limit_count; i++) {
		const struct limit *limit = &program->limits[i];

		if (limit->kind == LIMIT_MAPPINGS &&
		    !check_setup(in, limit->line, "limit mappings", system->limit_mappings(system->self, limit->slack)))
			return false;
	}
	return true;
}

static bool prepare_threads(struct interpreter *in)
{
	const struct program *program = in->program;
	const struct system *system = in->system;

	if (program->thread_line && system->make_thread_stack &&
	    !check_setup(in, program->thread_line, "thread", system->make_thread_stack(system->self)))
		return false;
	return !program->most_threads || !system->make_threads ||
	       check_setup(in, program->threads_line, "threads",
			   system->make_threads(system->self, program->most_threads));
}

static bool prepare_reclaim(struct interpreter *in)
{
	const struct program *program = in->program;
	const struct system *system = in->system;

	return !program->reclaim_line || !system->prepare_reclaim ||
	       check_setup(in, program->reclaim_line, "reclaim", system->prepare_reclaim(system->self));
}

bool prepare(struct interpreter *in)
{
	return prepare_threads(in) && prepare_reclaim(in) && prepare_memory(in) && prepare_locks(in) &&
	       prepare_limits(in);
}
