/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MLOCK_ONFAULT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "model_fixture.h"

/* Arms n = 1, 2, …; each failure is `error` and changes nothing. Gives the number of allocations. */
static unsigned long sweep(struct fixture *f, long (*call)(struct fixture *f), long error)
{
	unsigned long n = 0;
	bool injected;

	remember(f);
	do {
		long result;

		f->system.arm(f->task, ++n);
		result = call(f);
		injected = f->system.injected(f->task);
		assert_int_equal(result, injected ? error : 0);
		if (injected)
			assert_unchanged(f);
	} while (injected);
	return n - 1;
}

static long lock_1_to_8(struct fixture *f)
{
	return lock(f, 1, 8);
}

static void mlock_over_three_mappings_is_all_or_nothing_for_each_allocation(void **state)
{
	struct fixture *f = lay(state, "aaarrraaaa");

	lock(f, 2, 1);
	assert_layout(f, "|-||--|---");
	assert_int_equal(sweep(f, lock_1_to_8, -EAGAIN), 1 + 7); /* a mapping more, and the pages that are absent */
	assert_locked(f, ".LLLLLLLL.");
	assert_resident(f, ".RRRRRRRR.");
	assert_layout(f, "||-|--|--|");
}

static void slab_objects_and_pages_are_counted_apart(void **state)
{
	struct fixture *f = lay(state, "aaarrraaaa");

	lock(f, 2, 1);
	f->system.prepare_faults(f->task, false, SLAB_ALLOCATION);
	assert_int_equal(sweep(f, lock_1_to_8, -EAGAIN), 1);
	unlock(f, 1, 8);
	f->system.prepare_faults(f->task, false, PAGE_ALLOCATION);
	f->system.munlockall(f->task);
	f->system.madvise(f->task, at(f, 1), 8 * PAGE, MADV_DONTNEED);
	assert_int_equal(sweep(f, lock_1_to_8, -EAGAIN), 8);
}

static long unlock_in_the_middle(struct fixture *f)
{
	return unlock(f, 1, 2);
}

static void munlock_is_all_or_nothing_for_each_allocation(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	lock(f, 0, 4);
	assert_int_equal(sweep(f, unlock_in_the_middle, -EAGAIN), 2);
	assert_locked(f, "L..L");
}

static long lock_all(struct fixture *f)
{
	return f->system.mlockall(f->task, MCL_CURRENT | MCL_FUTURE);
}

static void mlockall_is_all_or_nothing_for_each_allocation(void **state)
{
	struct fixture *f = lay(state, "aa_rs");

	lock(f, 1, 1);
	assert_int_equal(sweep(f, lock_all, -EAGAIN), OWN_PAGES + 3);
	assert_locked(f, "LL_LL");
	assert_resident(f, "RR_RR");
	assert_elsewhere_locked(f, OWN_PAGES);
}

static long map_in_the_hole(struct fixture *f)
{
	return f->system.map(f->task, ANONYMOUS, at(f, 1), 3, 0, true);
}

static void mmap_under_future_is_all_or_nothing_for_each_allocation(void **state)
{
	struct fixture *f = lay(state, "a___a");

	f->system.mlockall(f->task, MCL_FUTURE);
	assert_int_equal(sweep(f, map_in_the_hole, -EAGAIN), 1 + 3);
	assert_locked(f, ".LLL.");
	assert_resident(f, ".RRR.");
}

static void a_fault_may_stay_until_the_call_ends(void **state)
{
	struct fixture *f = lay(state, "aaarrraaaa");

	f->system.prepare_faults(f->task, true, ANY_ALLOCATION);
	f->system.arm(f->task, 2);
	assert_true(mm_allocate(f->task->mm, 0));
	assert_false(mm_allocate(f->task->mm, 0));
	assert_false(mm_allocate(f->task->mm, 1));
	assert_true(f->system.injected(f->task));
	assert_true(mm_allocate(f->task->mm, 1));
	assert_int_equal(sweep(f, lock_1_to_8, -EAGAIN), 2 + 8);
	assert_locked(f, ".LLLLLLLL.");
}

static void memory_that_runs_out_makes_a_call_fail_without_effect(void **state)
{
	struct fixture *f = lay(state, "aaaa____");

	f->system.limit_memory(f->task, 3);
	remember(f);
	assert_int_equal(lock(f, 0, 4), -EAGAIN);
	assert_unchanged(f);
	assert_int_equal(lock(f, 0, 3), 0); /* what the call before had taken is there again */
	assert_locked(f, "LLL.____");
	assert_int_equal(unlock(f, 0, 1), -EAGAIN); /* a mapping more, and nothing is left for it */
	assert_int_equal(f->system.munmap(f->task, at(f, 0), 2 * PAGE), 0);
	assert_int_equal(f->system.touch(f->task, at(f, 2), 2), 0);
	assert_resident(f, "__RR____");
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 4), 2, 0, false), 0);
	assert_int_equal(lock(f, 4, 2), -EAGAIN); /* one of the two pages was touched away */
	assert_int_equal(lock(f, 4, 1), 0);
	assert_int_equal(f->system.touch(f->task, at(f, 5), 1), 0);
	assert_resident(f, "__RRRR__");
}

static void munlockall_needs_no_allocation(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	lock(f, 1, 1);
	lock_on_fault(f, 2, 1);
	f->system.mlockall(f->task, MCL_FUTURE);
	f->system.limit_mappings(f->task, 0);
	f->system.arm(f->task, 1);
	assert_int_equal(f->system.munlockall(f->task), 0);
	assert_false(f->system.injected(f->task));
	assert_locked(f, "....");
	assert_layout(f, "|---");
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 1), 1, 0, false), 0);
	assert_locked(f, "....");
}

static unsigned next_random(uint32_t *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static long random_call(struct fixture *f, uint32_t *seed)
{
	const struct system *system = &f->system;
	size_t page = next_random(seed, 16), pages = 1 + next_random(seed, 16 - (unsigned)page);
	unsigned long address = at(f, page), length = pages * PAGE;

	switch (next_random(seed, 10)) {
	case 0:
	case 1:
		return system->mlock(f->task, address, length);
	case 2:
		return system->mlock2(f->task, address, length, MLOCK_ONFAULT);
	case 3:
		return system->munlock(f->task, address, length);
	case 4:
		return system->mlockall(f->task, (int)next_random(seed, 16));
	case 5:
		return system->munlockall(f->task);
	case 6:
		return system->munmap(f->task, address, PAGE);
	case 7:
		return system->mprotect(f->task, address, length, (int)next_random(seed, 4));
	case 8:
		return system->madvise(f->task, address, length, MADV_DONTNEED);
	default:
		return system->map(f->task, (int)next_random(seed, REGIONS), address, pages, 0, false);
	}
}

static void assert_eager_locks_are_resident(const struct mm *mm)
{
	for (const struct mapping *m = mm->mappings; m < mm->mappings + mm->count; m++) {
		for (size_t page = m->span.start; page < m->span.end; page++)
			assert_true(m->lock != LOCK_EAGER || mm->pages[page].resident);
	}
}

static void random_calls_fail_without_effect_and_lock_only_what_is_resident(void **state)
{
	struct fixture *f = lay(state, "aaa_rrrffggssnaa");
	unsigned failures = 0;
	uint32_t seed = 1;

	limit_memlock(f, 20);
	f->system.limit_mappings(f->task, 3);
	for (int round = 0; round < 20000; round++) {
		remember(f);
		f->system.arm(f->task, next_random(&seed, 12));
		if (random_call(f, &seed) < 0) {
			assert_unchanged(f);
			failures++;
		}
		f->system.injected(f->task);
		assert_eager_locks_are_resident(f->task->mm);
	}
	assert_in_range(failures, 4000, 16000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_a_task(mlock_over_three_mappings_is_all_or_nothing_for_each_allocation),
		on_a_task(slab_objects_and_pages_are_counted_apart),
		on_a_task(munlock_is_all_or_nothing_for_each_allocation),
		on_a_task(mlockall_is_all_or_nothing_for_each_allocation),
		on_a_task(mmap_under_future_is_all_or_nothing_for_each_allocation),
		on_a_task(a_fault_may_stay_until_the_call_ends),
		on_a_task(memory_that_runs_out_makes_a_call_fail_without_effect),
		on_a_task(munlockall_needs_no_allocation),
		on_a_task(random_calls_fail_without_effect_and_lock_only_what_is_resident),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
