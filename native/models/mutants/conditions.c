/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MCL_ONFAULT */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "mutants/call_pages.h"
#include "mutants/conditions.h"
#include "program/advice.h"

bool always(const struct task_call *call)
{
	(void)call;
	return true;
}

bool ok(const struct task_call *call)
{
	return call->result == 0;
}

bool failed(const struct task_call *call)
{
	return call->result < 0;
}

bool at_hole(const struct task_call *call)
{
	return failed(call) && !is_empty(call->span) && !mm_is_mapped(call->before, call->span) &&
	       call->span.end <= call->before->space;
}

bool at_last_hole(const struct task_call *call)
{
	struct span rest = { call->span.start, call->span.end - 1 };

	return at_hole(call) && mm_is_mapped(call->before, rest);
}

bool at_first_hole(const struct task_call *call)
{
	struct span rest = { call->span.start + 1, call->span.end };

	return at_hole(call) && mm_is_mapped(call->before, rest);
}

static bool is_aligned(const struct task_call *call)
{
	return call->address % (1UL << PAGE_SHIFT) == 0;
}

bool at_unaligned_hole(const struct task_call *call)
{
	return at_hole(call) && !is_aligned(call);
}

bool for_wrap(const struct task_call *call)
{
	return failed(call) && (is_empty(call->span) || call->span.end > call->before->space);
}

static bool has_shortage(const struct task_call *call)
{
	return call->task->faults.injected || call->task->faults.limited;
}

bool for_limit(const struct task_call *call)
{
	if (call->kind & (ON_MMAP | ON_MAP_LOCKED | ON_MREMAP))
		return call->result == -EAGAIN && !has_shortage(call) && !call->task->privileged;
	if (call->result != -ENOMEM || call->task->privileged || has_shortage(call))
		return false;
	return call->kind & (ON_MLOCKALL | ON_BRK | ON_SHMCTL) || mm_is_mapped(call->before, call->span);
}

bool for_privilege(const struct task_call *call)
{
	return call->result == -EPERM;
}

bool for_flags(const struct task_call *call)
{
	return call->result == -EINVAL;
}

bool for_advice_to_go(const struct task_call *call)
{
	return for_flags(call) && (call->flags == ADVICE_COLD || call->flags == ADVICE_PAGEOUT);
}

bool for_shortage(const struct task_call *call)
{
	return call->result == -EAGAIN && !for_limit(call);
}

bool for_unbacked(const struct task_call *call)
{
	return failed(call) && mm_is_mapped(call->before, call->span) && !mm_is_backed(call->before, call->span);
}

bool for_unusable(const struct task_call *call)
{
	struct span span = clamped(call);
	const struct mm *before = call->before;

	if (!for_shortage(call))
		return false;
	for (size_t page = span.start; page < span.end; page++) {
		if (mapping_at(before, page) && !mm_is_accessible(before, page))
			return true;
	}
	return false;
}

bool for_fault(const struct task_call *call)
{
	return failed(call) && call->task->faults.injected;
}

bool for_memory(const struct task_call *call)
{
	return for_shortage(call) && call->task->faults.limited;
}

bool for_busy(const struct task_call *call)
{
	return call->result == -EBUSY;
}

bool ok_unaligned(const struct task_call *call)
{
	return ok(call) && !is_empty(call->span) && !is_aligned(call);
}

bool ok_future(const struct task_call *call)
{
	return ok(call) && now(call)->future != LOCK_NONE;
}

bool ok_within_future(const struct task_call *call)
{
	return ok(call) && call->before->future != LOCK_NONE;
}

bool ok_current(const struct task_call *call)
{
	return ok_within_future(call) && !(call->flags & MCL_FUTURE);
}

bool ok_on_fault(const struct task_call *call)
{
	return ok(call) && (call->lock == LOCK_ON_FAULT || now(call)->future == LOCK_ON_FAULT);
}

bool ok_eager(const struct task_call *call)
{
	return ok(call) && call->lock == LOCK_EAGER;
}

bool ok_locked(const struct task_call *call)
{
	return ok(call) && any_was_locked(call);
}

bool ok_shm_unlock(const struct task_call *call)
{
	return ok(call) && call->flags == SHM_UNLOCK;
}

/* A segment that was locked is gone. */
bool ok_segment(const struct task_call *call)
{
	const struct mapping *mapping = mapping_at(call->before, call->span.start);

	return ok(call) && mapping && mapping->held;
}

bool ok_unlocked(const struct task_call *call)
{
	return ok(call) && !any_was_locked(call);
}

bool ok_privileged(const struct task_call *call)
{
	return ok(call) && call->task->privileged && call->task->memlock != UINT64_MAX;
}

bool ok_limited(const struct task_call *call)
{
	return ok(call) && !call->task->privileged;
}

bool ok_current_now(const struct task_call *call)
{
	return ok(call) && (call->flags & MCL_CURRENT);
}

bool ok_over_mapping(const struct task_call *call)
{
	return ok_within_future(call) && mm_mapped_pages(call->before, call->span) > 0;
}

bool ok_grown(const struct task_call *call)
{
	return ok(call) && !mm_is_mapped(call->before, call->span);
}

bool for_past_end(const struct task_call *call)
{
	return call->result == SIGBUS;
}

bool for_no_memory(const struct task_call *call)
{
	return call->result == SIGSEGV && !mm_is_mapped(call->before, call->span);
}

bool for_no_access(const struct task_call *call)
{
	const struct mapping *mapping = mapping_at(call->before, call->span.start);

	return call->result == SIGSEGV && mapping && mapping->protection == PROT_NONE;
}

bool for_guard(const struct task_call *call)
{
	return call->result == SIGSEGV && call->before->pages[call->span.start].guard;
}

bool for_no_room(const struct task_call *call)
{
	const struct mapping *stack = mm_find(call->before, call->span.start);

	return for_no_memory(call) && mm_meets(call->before, stack, mm_everything(call->before)) &&
	       stack->kind == KIND_STACK;
}

bool for_mixed_flags(const struct task_call *call)
{
	return for_flags(call) && (call->flags & (MCL_CURRENT | MCL_FUTURE));
}

bool for_onfault_alone(const struct task_call *call)
{
	return for_flags(call) && call->flags == MCL_ONFAULT;
}

bool for_busy_later(const struct task_call *call)
{
	return for_busy(call) && !was_locked(call, call->span.start);
}

bool for_busy_earlier(const struct task_call *call)
{
	return for_busy(call) && !was_locked(call, call->span.end - 1);
}

/* mmap, of what nobody may access. */
bool for_unusable_later(const struct task_call *call)
{
	return for_shortage(call) && !has_shortage(call);
}

bool at_map_count(const struct task_call *call)
{
	return call->before->count >= call->before->limit;
}

bool at_map_count_failed(const struct task_call *call)
{
	return call->result == -ENOMEM && !has_shortage(call) && call->before->limit != MAX_MAP_COUNT &&
	       mm_is_mapped(call->before, call->span);
}

bool after_exec(const struct task_call *call)
{
	return mm_mapped_pages(call->before, (struct span){ ARENA_PAGE, call->before->space }) == 0;
}

bool after_onfault(const struct task_call *call)
{
	return call->before->future == LOCK_ON_FAULT;
}

bool failed_or_seen(const struct task_call *call)
{
	return failed(call) || (call->kind & ON_OBSERVE);
}

bool failed_or_reclaimed(const struct task_call *call)
{
	return failed(call) || (call->kind & ON_RECLAIM);
}

bool ok_on_fault_or_reclaimed(const struct task_call *call)
{
	return ok_on_fault(call) || (call->kind & ON_RECLAIM);
}

bool ok_locked_or_seen(const struct task_call *call)
{
	return ok_locked(call) || (call->kind & ON_OBSERVE);
}
