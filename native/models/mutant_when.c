/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MCL_ONFAULT */
#include <errno.h>
#include <sys/mman.h>

#include "mutant_pages.h"

bool always(const struct deed *deed)
{
	(void)deed;
	return true;
}

bool ok(const struct deed *deed)
{
	return deed->result >= 0;
}

bool failed(const struct deed *deed)
{
	return deed->result < 0;
}

bool at_hole(const struct deed *deed)
{
	return failed(deed) && !is_empty(deed->span) && !mm_is_mapped(deed->before, deed->span) &&
	       deed->span.end <= deed->before->space;
}

bool at_last_hole(const struct deed *deed)
{
	struct span rest = { deed->span.start, deed->span.end - 1 };

	return at_hole(deed) && mm_is_mapped(deed->before, rest);
}

bool at_first_hole(const struct deed *deed)
{
	struct span rest = { deed->span.start + 1, deed->span.end };

	return at_hole(deed) && mm_is_mapped(deed->before, rest);
}

static bool is_aligned(const struct deed *deed)
{
	return deed->address % (1UL << PAGE_SHIFT) == 0;
}

bool at_unaligned_hole(const struct deed *deed)
{
	return at_hole(deed) && !is_aligned(deed);
}

bool for_wrap(const struct deed *deed)
{
	return failed(deed) && (is_empty(deed->span) || deed->span.end > deed->before->space);
}

static bool has_shortage(const struct deed *deed)
{
	return deed->task->faults.injected || deed->task->faults.limited;
}

bool for_limit(const struct deed *deed)
{
	if (deed->call & (ON_MMAP | ON_MAP_LOCKED | ON_MREMAP))
		return deed->result == -EAGAIN && !has_shortage(deed) && !deed->task->privileged;
	if (deed->result != -ENOMEM || deed->task->privileged || has_shortage(deed))
		return false;
	return deed->call & (ON_MLOCKALL | ON_BRK) || mm_is_mapped(deed->before, deed->span);
}

bool for_privilege(const struct deed *deed)
{
	return deed->result == -EPERM;
}

bool for_flags(const struct deed *deed)
{
	return deed->result == -EINVAL;
}

bool for_shortage(const struct deed *deed)
{
	return deed->result == -EAGAIN && !for_limit(deed);
}

bool for_unbacked(const struct deed *deed)
{
	return failed(deed) && mm_is_mapped(deed->before, deed->span) && !mm_is_backed(deed->before, deed->span);
}

bool for_unusable(const struct deed *deed)
{
	struct span span = clamped(deed);
	const struct mm *before = deed->before;

	if (!for_shortage(deed))
		return false;
	for (size_t page = span.start; page < span.end; page++) {
		if (mapping_at(before, page) && !mm_is_accessible(before, page))
			return true;
	}
	return false;
}

bool for_fault(const struct deed *deed)
{
	return failed(deed) && deed->task->faults.injected;
}

bool for_memory(const struct deed *deed)
{
	return for_shortage(deed) && deed->task->faults.limited;
}

bool for_busy(const struct deed *deed)
{
	return deed->result == -EBUSY;
}

bool ok_unaligned(const struct deed *deed)
{
	return ok(deed) && !is_empty(deed->span) && !is_aligned(deed);
}

bool ok_future(const struct deed *deed)
{
	return ok(deed) && now(deed)->future != LOCK_NONE;
}

bool ok_within_future(const struct deed *deed)
{
	return ok(deed) && deed->before->future != LOCK_NONE;
}

bool ok_current(const struct deed *deed)
{
	return ok_within_future(deed) && !(deed->flags & MCL_FUTURE);
}

bool ok_on_fault(const struct deed *deed)
{
	return ok(deed) && (deed->lock == LOCK_ON_FAULT || now(deed)->future == LOCK_ON_FAULT);
}

bool ok_eager(const struct deed *deed)
{
	return ok(deed) && deed->lock == LOCK_EAGER;
}

bool ok_locked(const struct deed *deed)
{
	return ok(deed) && any_was_locked(deed);
}

bool ok_unlocked(const struct deed *deed)
{
	return ok(deed) && !any_was_locked(deed);
}

bool ok_privileged(const struct deed *deed)
{
	return ok(deed) && deed->task->privileged && deed->task->memlock != UINT64_MAX;
}

bool ok_limited(const struct deed *deed)
{
	return ok(deed) && !deed->task->privileged;
}

bool ok_current_now(const struct deed *deed)
{
	return ok(deed) && (deed->flags & MCL_CURRENT);
}

bool ok_over_mapping(const struct deed *deed)
{
	return ok_within_future(deed) && mm_mapped_pages(deed->before, deed->span) > 0;
}

bool ok_grown(const struct deed *deed)
{
	return ok(deed) && !mm_is_mapped(deed->before, deed->span);
}

bool for_mixed_flags(const struct deed *deed)
{
	return for_flags(deed) && (deed->flags & (MCL_CURRENT | MCL_FUTURE));
}

bool for_onfault_alone(const struct deed *deed)
{
	return for_flags(deed) && deed->flags == MCL_ONFAULT;
}

bool for_busy_later(const struct deed *deed)
{
	return for_busy(deed) && !was_locked(deed, deed->span.start);
}

bool for_busy_earlier(const struct deed *deed)
{
	return for_busy(deed) && !was_locked(deed, deed->span.end - 1);
}

bool at_map_count(const struct deed *deed)
{
	return deed->before->count >= deed->before->limit;
}

bool at_map_count_failed(const struct deed *deed)
{
	return for_shortage(deed) && !has_shortage(deed) && deed->before->limit != MAX_MAP_COUNT;
}

bool after_exec(const struct deed *deed)
{
	return mm_mapped_pages(deed->before, (struct span){ ARENA_PAGE, deed->before->space }) == 0;
}

bool after_onfault(const struct deed *deed)
{
	return deed->before->future == LOCK_ON_FAULT;
}

bool failed_or_seen(const struct deed *deed)
{
	return failed(deed) || (deed->call & ON_OBSERVE);
}
