/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "mutants/call_pages.h"

/* What memory is taken that a lock should keep. Nothing else tells that it does not. */

static bool is_eager(const struct task_call *call, size_t page)
{
	return lock_at(call->before, page) == LOCK_EAGER;
}

void take_locked(struct task_call *call)
{
	each(call, is_eager, evict_page);
}

void take_on_fault(struct task_call *call)
{
	each(call, was_on_fault, evict_page);
}

static bool is_locked_of_kind(const struct task_call *call, size_t page)
{
	return was_locked(call, page) && has_kind(call, page);
}

static bool is_locked_of_shared_kind(const struct task_call *call, size_t page)
{
	return was_locked(call, page) && has_shared_kind(call, page);
}

void take_locked_kind(struct task_call *call)
{
	each(call, is_locked_of_kind, evict_page);
}

void take_locked_shared_kind(struct task_call *call)
{
	each(call, is_locked_of_shared_kind, evict_page);
}

static bool is_not_writable(const struct task_call *call, size_t page)
{
	const struct mapping *mapping = mapping_at(now(call), page);

	return was_locked(call, page) && !(mapping->protection & PROT_WRITE);
}

void take_not_writable(struct task_call *call)
{
	each(call, is_not_writable, evict_page);
}

static bool is_beside_unlocked(const struct task_call *call, size_t page)
{
	const struct mapping *after = mapping_at(now(call), page + 1);

	return was_locked(call, page) && after && after->lock == LOCK_NONE;
}

void take_beside_unlocked(struct task_call *call)
{
	each(call, is_beside_unlocked, evict_page);
}

/* Half a huge page: of one that is locked in part, the other part is a mapping of its own. */
static bool is_locked_of_a_large_mapping(const struct task_call *call, size_t page)
{
	enum { LARGE = 256 };
	const struct mapping *mapping = mapping_at(now(call), page);

	return was_locked(call, page) && mapping->span.end - mapping->span.start >= LARGE;
}

void take_locked_large(struct task_call *call)
{
	each(call, is_locked_of_a_large_mapping, evict_page);
}

static void note_page(struct task_call *call, size_t page)
{
	call->mutation->note[page] = 1;
}

static bool is_noted(const struct task_call *call, size_t page)
{
	return call->mutation->note[page] && was_locked(call, page);
}

static bool is_locked_now(const struct task_call *call, size_t page)
{
	return lock_at(now(call), page) != LOCK_NONE;
}

/* Notes pages of the call that loses them, and takes those when memory is taken back. */
static void lose(struct task_call *call, bool (*is)(const struct task_call *call, size_t page))
{
	if (call->kind & ON_RECLAIM)
		each(call, is_noted, evict_page);
	else
		each(call, is, note_page);
}

void lose_pin(struct task_call *call)
{
	lose(call, is_locked_now);
}

static bool was_locked_and_is(const struct task_call *call, size_t page)
{
	return was_locked(call, page) && is_locked_now(call, page);
}

void lose_relocked(struct task_call *call)
{
	lose(call, was_locked_and_is);
}

void lose_all_pins(struct task_call *call)
{
	call->span = mm_everything(now(call));
	lose_pin(call);
}

void take_from_parent(struct task_call *call)
{
	struct mm *parent = call->task->parent;

	for (size_t page = ARENA_PAGE; parent && page < parent->space; page++) {
		if (lock_at(parent, page) != LOCK_NONE)
			parent->pages[page].resident = false;
	}
}

static bool has_other_mapping(const struct task_call *call, size_t page)
{
	const struct mapping *own = mapping_at(now(call), page);
	int mappings = 0;

	for (size_t i = 0; i < now(call)->count; i++)
		mappings += now(call)->mappings[i].object == own->object;
	return was_locked(call, page) && own->object != NO_OBJECT && own->shared && mappings > 1;
}

void take_shared_twice(struct task_call *call)
{
	each(call, has_other_mapping, evict_page);
}
