/* SPDX-License-Identifier: Apache-2.0 */
#include "mutants/call_pages.h"

/* MCL_FUTURE. */

void disarm(struct task_call *call)
{
	now(call)->future = LOCK_NONE;
}

void arm_eager(struct task_call *call)
{
	now(call)->future = LOCK_EAGER;
}

void restore_future(struct task_call *call)
{
	now(call)->future = call->before->future;
}

void cancel_for_good(struct task_call *call)
{
	if (call->kind & ON_MUNLOCKALL)
		call->mutation->note[0] = 1;
	else if (call->mutation->note[0])
		disarm(call);
}

/* Processes. */

static void take_over_in(struct task_call *call, struct span span, bool (*is)(const struct mapping *mapping))
{
	const struct mm *from = call->before;

	for (size_t page = span.start; page < span.end; page++) {
		const struct mapping *mapping = mapping_at(from, page);

		if (mapping && mapping_at(now(call), page) && is(mapping))
			put(call, page, mapping->lock);
	}
}

static void take_over(struct task_call *call, bool (*is)(const struct mapping *mapping))
{
	take_over_in(call, mm_everything(call->before), is);
}

static bool is_locked(const struct mapping *mapping)
{
	return mapping->lock != LOCK_NONE;
}

static bool is_shared(const struct mapping *mapping)
{
	return is_locked(mapping) && mapping->shared;
}

static bool is_on_fault(const struct mapping *mapping)
{
	return mapping->lock == LOCK_ON_FAULT;
}

void inherit(struct task_call *call)
{
	take_over(call, is_locked);
}

void inherit_shared(struct task_call *call)
{
	take_over(call, is_shared);
}

void inherit_own(struct task_call *call)
{
	take_over_in(call, (struct span){ 0, ARENA_PAGE }, is_locked);
}

void inherit_kind(struct task_call *call)
{
	int number = call->mutation->mutant->number;

	for (size_t page = ARENA_PAGE; page < call->before->space; page++) {
		const struct mapping *mapping = mapping_at(call->before, page);

		if (mapping && mapping->kind == (enum kind)(number & ~SHARED) && mapping->shared == !!(number & SHARED))
			put(call, page, mapping->lock);
	}
}

void inherit_on_fault(struct task_call *call)
{
	take_over(call, is_on_fault);
}

void inherit_future(struct task_call *call)
{
	now(call)->future = call->before->future;
}

void adopt(struct task_call *call)
{
	take_over(call, is_locked);
}

/* Locks in the arena go, where `is` says so of the mapping and of the one, if any, that the other process has there. */
static void lose(struct task_call *call, bool (*is)(const struct mapping *mapping, const struct mapping *other))
{
	for (size_t page = ARENA_PAGE; page < now(call)->space; page++) {
		const struct mapping *mapping = mapping_at(now(call), page);

		if (mapping && is_locked(mapping) && is(mapping, mapping_at(call->before, page)))
			put(call, page, LOCK_NONE);
	}
}

static bool is_unlocked_there(const struct mapping *mapping, const struct mapping *other)
{
	(void)mapping;
	return other && !is_locked(other);
}

static bool is_shared_unlocked_there(const struct mapping *mapping, const struct mapping *other)
{
	return mapping->shared && is_unlocked_there(mapping, other);
}

static bool is_shared_locked_there(const struct mapping *mapping, const struct mapping *other)
{
	return mapping->shared && other && is_locked(other);
}

static bool is_shared_gone_there(const struct mapping *mapping, const struct mapping *other)
{
	return mapping->shared && !other;
}

void lose_shared(struct task_call *call)
{
	lose(call, is_shared_unlocked_there);
}

void lose_all(struct task_call *call)
{
	lose(call, is_unlocked_there);
}

void lose_locked(struct task_call *call)
{
	lose(call, is_shared_locked_there);
}

void lose_if_gone(struct task_call *call)
{
	lose(call, is_shared_gone_there);
}

void lose_future(struct task_call *call)
{
	if (call->before->future == LOCK_NONE)
		disarm(call);
}

void adopt_future(struct task_call *call)
{
	if (call->before->future != LOCK_NONE)
		arm_eager(call);
}

void lock_own(struct task_call *call)
{
	mm_set_lock(now(call), (struct span){ 0, ARENA_PAGE }, LOCK_EAGER);
}

static size_t object_page_at(const struct mapping *mapping, size_t page)
{
	return mapping->object_page + (page - mapping->span.start);
}

/* Pages of the same object as those of the range. */
void unlock_aliases(struct task_call *call)
{
	struct span span = clamped(call);

	for (size_t page = span.start; page < span.end; page++) {
		const struct mapping *mapping = mapping_at(call->before, page);

		for (size_t other = 0; mapping && mapping->object != NO_OBJECT && other < now(call)->space; other++) {
			const struct mapping *alias = mapping_at(now(call), other);

			if (alias && alias->object == mapping->object &&
			    object_page_at(alias, other) == object_page_at(mapping, page))
				put(call, other, LOCK_NONE);
		}
	}
}
