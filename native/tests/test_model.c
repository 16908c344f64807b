/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MLOCK_ONFAULT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "model.h"
#include "posix.h"
#include "task.h"

enum { PAGE = 1 << PAGE_SHIFT };

/* Regions by their letters: a anonymous, n PROT_NONE, r read-only, f a file of 3 pages, g the same file, s shared. */
static const struct region regions[] = {
	{ .letter = 'a', .kind = KIND_ANONYMOUS, .protection = PROT_READ | PROT_WRITE, .alias = -1 },
	{ .letter = 'n', .kind = KIND_ANONYMOUS, .protection = PROT_NONE, .alias = -1 },
	{ .letter = 'r', .kind = KIND_ANONYMOUS, .protection = PROT_READ, .alias = -1 },
	{ .letter = 'f', .kind = KIND_FILE, .protection = PROT_READ, .shared = true, .object_pages = 3, .alias = -1 },
	{ .letter = 'g', .kind = KIND_FILE, .protection = PROT_READ, .shared = true, .alias = 3 },
	{ .letter = 's', .kind = KIND_SHARED, .protection = PROT_READ | PROT_WRITE, .shared = true, .alias = -1 },
};

enum { REGIONS = sizeof(regions) / sizeof(*regions), ANONYMOUS = 0, NONE = 1, FILE_OF_3 = 3 };

/* A task of the posix model and what it looked like before the call. */
struct fixture {
	struct system system;
	struct task *task;
	unsigned long arena;
	struct snapshot seen;
	struct mm header;
	void *mappings, *pages;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || !task_open(&f->system))
		return -1;
	posix_calls(&f->system);
	f->task = f->system.self;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	task_close(&f->system);
	free(f->mappings);
	free(f->pages);
	free(f);
	return 0;
}

static unsigned long at(const struct fixture *f, size_t page)
{
	return f->arena + page * PAGE;
}

static int region_of(char letter)
{
	for (int i = 0; i < REGIONS; i++) {
		if (regions[i].letter == letter)
			return i;
	}
	fail_msg("no region is called %c", letter);
	return -1;
}

/* Maps runs of letters; object pages count from 0 in each run. */
static struct fixture *lay(void **state, const char *map)
{
	struct fixture *f = *state;
	size_t pages = strlen(map), run;

	f->seen.pages = pages;
	for (int i = 0; i < REGIONS; i++)
		assert_int_equal(f->system.declare(f->task, i, &regions[i]), 0);
	assert_int_equal(f->system.reserve(f->task, pages, &f->arena), 0);
	for (size_t page = 0; page < pages; page += run) {
		for (run = 1; map[page + run] == map[page]; run++)
			;
		if (map[page] != '_')
			assert_int_equal(f->system.map(f->task, region_of(map[page]), at(f, page), run, 0, false), 0);
	}
	return f;
}

static long lock(struct fixture *f, size_t page, size_t pages)
{
	return f->system.mlock(f->task, at(f, page), pages * PAGE);
}

static long lock_on_fault(struct fixture *f, size_t page, size_t pages)
{
	return f->system.mlock2(f->task, at(f, page), pages * PAGE, MLOCK_ONFAULT);
}

static long unlock(struct fixture *f, size_t page, size_t pages)
{
	return f->system.munlock(f->task, at(f, page), pages * PAGE);
}

static void limit_memlock(struct fixture *f, uint64_t pages)
{
	f->system.limit_memlock(f->task, pages * PAGE);
	f->system.become_unprivileged(f->task);
}

static void assert_strip(struct fixture *f, const char *strip, const char *expected)
{
	char text[64] = { 0 };

	f->system.observe(f->task, f->arena, &f->seen);
	memcpy(text, strip, f->seen.pages);
	assert_string_equal(text, expected);
}

static void assert_locked(struct fixture *f, const char *expected)
{
	assert_strip(f, f->seen.smaps, expected);
}

static void assert_resident(struct fixture *f, const char *expected)
{
	assert_strip(f, f->seen.resident, expected);
}

static void assert_layout(struct fixture *f, const char *expected)
{
	assert_strip(f, f->seen.mappings, expected);
}

static void assert_elsewhere_locked(struct fixture *f, long pages)
{
	f->system.observe(f->task, f->arena, &f->seen);
	assert_int_equal(f->seen.elsewhere_mapped, OWN_PAGES);
	assert_int_equal(f->seen.elsewhere_locked, pages);
}

static void *copy_of(const void *bytes, size_t size)
{
	void *copy = malloc(size);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	return copy;
}

static void remember(struct fixture *f)
{
	const struct mm *mm = f->task->mm;

	free(f->mappings);
	free(f->pages);
	f->header = *mm;
	f->mappings = copy_of(mm->mappings, mm->count * sizeof(*mm->mappings));
	f->pages = copy_of(mm->pages, mm->space * sizeof(*mm->pages));
}

/* The whole address space, byte for byte. */
static void assert_unchanged(const struct fixture *f)
{
	const struct mm *mm = f->task->mm;

	assert_memory_equal(mm, &f->header, sizeof(*mm));
	assert_memory_equal(mm->mappings, f->mappings, mm->count * sizeof(*mm->mappings));
	assert_memory_equal(mm->pages, f->pages, mm->space * sizeof(*mm->pages));
}

static void mlock_locks_and_makes_resident(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	assert_int_equal(lock(f, 1, 2), 0);
	assert_locked(f, ".LL.");
	assert_resident(f, ".RR.");
	assert_layout(f, "||-|");
	assert_int_equal(f->seen.accounted, 2);
}

static void ranges_are_rounded_outward_at_both_ends(void **state)
{
	struct fixture *f = lay(state, "aaaaaa");

	assert_int_equal(f->system.mlock(f->task, at(f, 2) - 1, 2), 0);
	assert_locked(f, ".LL...");
	assert_int_equal(f->system.munlock(f->task, at(f, 2) + 5, 1), 0);
	assert_locked(f, ".L....");
}

static void an_empty_range_is_no_change(void **state)
{
	struct fixture *f = lay(state, "a_");

	remember(f);
	assert_int_equal(f->system.mlock(f->task, at(f, 1), 0), 0);
	assert_int_equal(f->system.munlock(f->task, at(f, 1), 0), 0);
	assert_unchanged(f);
}

static void one_munlock_undoes_many_mlocks(void **state)
{
	struct fixture *f = lay(state, "aaa");

	lock(f, 0, 3);
	lock(f, 0, 3);
	assert_int_equal(unlock(f, 0, 3), 0);
	assert_locked(f, "...");
	assert_layout(f, "|--");
}

static void munlock_leaves_other_mappings_of_the_object(void **state)
{
	struct fixture *f = lay(state, "fffggg");

	lock(f, 0, 6);
	assert_int_equal(unlock(f, 0, 3), 0);
	assert_locked(f, "...LLL");
}

static void what_is_not_validly_mapped_is_enomem(void **state)
{
	struct fixture *f = lay(state, "aa_aaaffff");

	lock(f, 4, 1);
	remember(f);
	assert_int_equal(lock(f, 1, 3), -ENOMEM);
	assert_int_equal(unlock(f, 1, 4), -ENOMEM);
	assert_int_equal(lock(f, 3, 7), -ENOMEM); /* the file has no fourth page */
	assert_int_equal(unlock(f, 3, 7), -ENOMEM);
	assert_int_equal(lock(f, 9, 1), -ENOMEM);
	assert_int_equal(f->system.mlock(f->task, at(f, 0), SIZE_MAX), -ENOMEM);
	assert_int_equal(f->system.mlock(f->task, at(f, 0), 0 - at(f, 0)), -ENOMEM);
	assert_int_equal(f->system.munlock(f->task, at(f, 4), SIZE_MAX - PAGE), -ENOMEM);
	assert_unchanged(f);
	assert_int_equal(lock(f, 6, 3), 0);
}

static void what_cannot_be_resident_is_eagain(void **state)
{
	struct fixture *f = lay(state, "aanaaa");

	f->system.guard(f->task, at(f, 4), PAGE);
	lock(f, 1, 1);
	remember(f);
	assert_int_equal(lock(f, 0, 3), -EAGAIN);
	assert_int_equal(lock(f, 3, 3), -EAGAIN);
	assert_int_equal(f->system.mlock2(f->task, at(f, 3), 3 * PAGE, 0), -EAGAIN);
	assert_int_equal(f->system.mlockall(f->task, MCL_CURRENT | MCL_FUTURE), -EAGAIN);
	assert_unchanged(f);
}

static void the_limit_counts_each_page_once(void **state)
{
	struct fixture *f = lay(state, "aaaaaa");

	lock(f, 0, 2);
	limit_memlock(f, 4);
	assert_int_equal(lock(f, 0, 4), 0);
	remember(f);
	assert_int_equal(lock(f, 3, 2), -ENOMEM);
	assert_int_equal(f->system.mlockall(f->task, MCL_CURRENT), -ENOMEM);
	assert_unchanged(f);
	assert_int_equal(unlock(f, 0, 1), 0);
	assert_int_equal(lock(f, 3, 2), 0);
}

static void without_privilege_a_limit_of_0_is_eperm_for_locking_only(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	lock(f, 0, 2);
	limit_memlock(f, 0);
	remember(f);
	assert_int_equal(lock(f, 0, 1), -EPERM);
	assert_int_equal(lock_on_fault(f, 0, 1), -EPERM);
	assert_int_equal(f->system.mlockall(f->task, MCL_FUTURE), -EPERM);
	assert_unchanged(f);
	assert_int_equal(unlock(f, 0, 1), 0);
	assert_int_equal(f->system.munlockall(f->task), 0);
}

static void privilege_lifts_the_limit(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	f->system.limit_memlock(f->task, 0);
	assert_int_equal(lock(f, 0, 4), 0);
}

static void mappings_are_split_and_merged_as_the_locks_demand(void **state)
{
	struct fixture *f = lay(state, "aaaaaa");

	lock(f, 1, 2);
	assert_layout(f, "||-|--");
	lock_on_fault(f, 3, 1);
	assert_layout(f, "||-||-");
	lock(f, 3, 1);
	assert_layout(f, "||--|-");
	unlock(f, 1, 3);
	assert_layout(f, "|-----");
}

static void the_mapping_limit_counts_the_layout_that_results(void **state)
{
	struct fixture *f = lay(state, "aaaaaa");

	lock(f, 0, 2);
	f->system.limit_mappings(f->task, 1);
	remember(f);
	assert_int_equal(lock(f, 3, 1), -EAGAIN);
	assert_unchanged(f);
	assert_int_equal(lock(f, 2, 1), 0);   /* as many mappings as before */
	assert_int_equal(unlock(f, 0, 1), 0); /* the last one that can be had */
	remember(f);
	assert_int_equal(lock_on_fault(f, 2, 1), -EAGAIN);
	assert_int_equal(f->system.munmap(f->task, at(f, 4), PAGE), -ENOMEM);
	assert_int_equal(f->system.mprotect(f->task, at(f, 4), PAGE, PROT_NONE), -ENOMEM);
	assert_int_equal(f->system.map(f->task, NONE, at(f, 4), 1, 0, false), -EMFILE);
	assert_unchanged(f);
	assert_int_equal(f->system.mlockall(f->task, MCL_CURRENT), 0);
	assert_locked(f, "LLLLLL");
}

static void munlock_without_room_for_its_splits_is_eagain(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	lock(f, 0, 4);
	f->system.limit_mappings(f->task, 1);
	remember(f);
	assert_int_equal(unlock(f, 1, 2), -EAGAIN);
	assert_unchanged(f);
}

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

static void mlock2_on_fault_locks_without_populating(void **state)
{
	struct fixture *f = lay(state, "aaan");

	assert_int_equal(lock_on_fault(f, 1, 3), 0);
	assert_locked(f, ".FFF");
	assert_resident(f, "....");
	f->system.touch(f->task, at(f, 1), 1);
	assert_resident(f, ".R..");
	remember(f);
	assert_int_equal(f->system.mlock2(f->task, at(f, 0), PAGE, MLOCK_ONFAULT | 2), -EINVAL);
	assert_unchanged(f);
}

static void mlockall_refuses_flags_that_it_does_not_have(void **state)
{
	struct fixture *f = lay(state, "aa");

	remember(f);
	assert_int_equal(f->system.mlockall(f->task, 0), -EINVAL);
	assert_int_equal(f->system.mlockall(f->task, MCL_ONFAULT), -EINVAL);
	assert_int_equal(f->system.mlockall(f->task, MCL_CURRENT | 64), -EINVAL);
	assert_unchanged(f);
}

static void mlockall_future_locks_what_is_mapped_later(void **state)
{
	struct fixture *f = lay(state, "a__");

	assert_int_equal(f->system.mlockall(f->task, MCL_FUTURE), 0);
	assert_locked(f, ".__");
	f->system.map(f->task, ANONYMOUS, at(f, 1), 1, 0, false);
	assert_int_equal(f->system.mlockall(f->task, MCL_FUTURE | MCL_ONFAULT), 0);
	f->system.map(f->task, ANONYMOUS, at(f, 2), 1, 0, false);
	assert_locked(f, ".LF");
	assert_resident(f, ".R.");
}

static void mlockall_current_cancels_an_earlier_future(void **state)
{
	struct fixture *f = lay(state, "a_");

	f->system.mlockall(f->task, MCL_FUTURE);
	assert_int_equal(f->system.mlockall(f->task, MCL_CURRENT), 0);
	f->system.map(f->task, ANONYMOUS, at(f, 1), 1, 0, false);
	assert_locked(f, "L.");
}

static void mmap_under_future_fails_where_it_cannot_lock(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	f->system.mlockall(f->task, MCL_FUTURE);
	lock(f, 0, 1);
	limit_memlock(f, 2);
	remember(f);
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 1), 2, 0, false), -EAGAIN);
	assert_int_equal(f->system.map(f->task, NONE, at(f, 1), 1, 0, false), -EAGAIN);
	assert_int_equal(f->system.map(f->task, FILE_OF_3, at(f, 1), 1, 3, false), -EAGAIN);
	assert_unchanged(f);
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 0), 2, 0, false), 0);
}

static void munmap_removes_locks(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	lock(f, 0, 4);
	assert_int_equal(f->system.munmap(f->task, at(f, 1), 2 * PAGE), 0);
	assert_locked(f, "L__L");
	f->system.map(f->task, ANONYMOUS, at(f, 1), 2, 0, false);
	assert_locked(f, "L..L");
	assert_resident(f, "R..R");
	assert_int_equal(f->system.munmap(f->task, at(f, 1), 0), -EINVAL);
}

static void mprotect_keeps_locks(void **state)
{
	struct fixture *f = lay(state, "aaa_");

	lock(f, 0, 2);
	assert_int_equal(f->system.mprotect(f->task, at(f, 1), 2 * PAGE, PROT_NONE), 0);
	assert_locked(f, "LL._");
	assert_layout(f, "|||_");
	assert_int_equal(f->system.mprotect(f->task, at(f, 1), 3 * PAGE, PROT_READ), -ENOMEM);
}

static void msync_sees_locks(void **state)
{
	struct fixture *f = lay(state, "aaa_");

	lock(f, 1, 1);
	assert_int_equal(f->system.msync(f->task, at(f, 1), PAGE, MS_ASYNC | MS_INVALIDATE), -EBUSY);
	assert_int_equal(f->system.msync(f->task, at(f, 2), PAGE, MS_ASYNC | MS_INVALIDATE), 0);
	assert_int_equal(f->system.msync(f->task, at(f, 1), PAGE, MS_SYNC), 0);
	assert_int_equal(f->system.msync(f->task, at(f, 2), 2 * PAGE, MS_SYNC), -ENOMEM);
	assert_int_equal(f->system.msync(f->task, at(f, 2), PAGE, MS_SYNC | MS_ASYNC), -EINVAL);
}

static void madvise_gives_up_pages_that_are_not_locked(void **state)
{
	struct fixture *f = lay(state, "aaa_");

	f->system.touch(f->task, at(f, 0), 3);
	lock(f, 1, 1);
	remember(f);
	assert_int_equal(f->system.madvise(f->task, at(f, 0), 2 * PAGE, MADV_DONTNEED), -EINVAL);
	assert_int_equal(f->system.madvise(f->task, at(f, 2), 2 * PAGE, MADV_DONTNEED), -ENOMEM);
	assert_unchanged(f);
	assert_int_equal(f->system.madvise(f->task, at(f, 2), PAGE, MADV_DONTNEED), 0);
	assert_resident(f, "RR._");
}

static void touch_faults_where_an_access_would(void **state)
{
	struct fixture *f = lay(state, "anaffff_");

	f->system.guard(f->task, at(f, 2), PAGE);
	assert_int_equal(f->system.touch(f->task, at(f, 0), 2), -EFAULT);
	assert_int_equal(f->system.touch(f->task, at(f, 2), 1), -EFAULT);
	assert_int_equal(f->system.touch(f->task, at(f, 3), 4), -EFAULT);
	assert_int_equal(f->system.touch(f->task, at(f, 7), 1), -EFAULT);
	assert_resident(f, "R..RRR._");
}

static void a_child_has_no_locks_and_its_parent_keeps_them(void **state)
{
	struct fixture *f = lay(state, "aaa_");

	lock(f, 0, 2);
	f->system.mlockall(f->task, MCL_FUTURE);
	remember(f);
	assert_int_equal(f->system.fork(f->task), 0);
	assert_locked(f, "..._");
	assert_resident(f, "RR._");
	f->system.map(f->task, ANONYMOUS, at(f, 3), 1, 0, false);
	assert_locked(f, "....");
	assert_int_equal(lock(f, 1, 3), 0);
	assert_locked(f, ".LLL");
	f->system.leave(f->task);
	assert_memory_equal(f->task->mm->mappings, f->mappings, f->header.count * sizeof(struct mapping));
	assert_locked(f, "LL._");
	f->system.map(f->task, ANONYMOUS, at(f, 3), 1, 0, false);
	assert_locked(f, "LL.L");
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

static void assert_answer(char *answer, const char *expected)
{
	assert_non_null(answer);
	assert_string_equal(answer, expected);
	lockproof_model_free(answer);
}

static void a_program_is_answered_with_its_trace(void **state)
{
	static const char program[] = "program demo\narena 3\nregion a anonymous rw private\nmap a 0 2 0\n"
				      "lock 1 1 eager\ncall mlock 0p 3p\nend\n";

	(void)state;
	assert_answer(
		lockproof_model_run("posix", program, sizeof(program) - 1),
		"{\"before\":{\"locked\":{\"model\":\".L_\"},\"resident\":\".R_\",\"mappings\":\"||_\",\"accounted\":1,"
		"\"elsewhere\":{\"mapped\":12,\"locked\":0}}}\n"
		"{\"step\":0,\"result\":\"ENOMEM\",\"snapshot\":{\"locked\":{\"model\":\".L_\"},\"resident\":\".R_\","
		"\"mappings\":\"||_\",\"accounted\":1,\"elsewhere\":{\"mapped\":12,\"locked\":0}}}\n"
		"{\"execution\":0,\"status\":\"done\"}\n"
		"{\"end\":\"demo\"}\n");
}

static void the_longest_trace_is_whole(void **state)
{
	char program[MAX_PAGES], *answer;
	size_t length =
		(size_t)sprintf(program, "program long\narena 16384\nregion a anonymous rw private\nmap a 0 16384 0\n");

	(void)state;
	for (int step = 0; step < 250; step++)
		length += (size_t)sprintf(program + length, "call mlock %dp 1p\n", 2 * step);
	length += (size_t)sprintf(program + length, "end\n");
	assert_true(length < sizeof(program));
	answer = lockproof_model_run("posix", program, length);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "{\"execution\":0,\"status\":\"done\"}\n{\"end\":\"long\"}\n"));
	lockproof_model_free(answer);
}

static void an_unknown_model_has_no_answer(void **state)
{
	(void)state;
	assert_string_equal(lockproof_model_name(0), "posix");
	assert_null(lockproof_model_name(1));
	assert_null(lockproof_model_hello("plan9"));
	assert_null(lockproof_model_run("plan9", "", 0));
}

int main(void)
{
#define on_a_task(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		on_a_task(mlock_locks_and_makes_resident),
		on_a_task(ranges_are_rounded_outward_at_both_ends),
		on_a_task(an_empty_range_is_no_change),
		on_a_task(one_munlock_undoes_many_mlocks),
		on_a_task(munlock_leaves_other_mappings_of_the_object),
		on_a_task(what_is_not_validly_mapped_is_enomem),
		on_a_task(what_cannot_be_resident_is_eagain),
		on_a_task(the_limit_counts_each_page_once),
		on_a_task(without_privilege_a_limit_of_0_is_eperm_for_locking_only),
		on_a_task(privilege_lifts_the_limit),
		on_a_task(mappings_are_split_and_merged_as_the_locks_demand),
		on_a_task(the_mapping_limit_counts_the_layout_that_results),
		on_a_task(munlock_without_room_for_its_splits_is_eagain),
		on_a_task(mlock_over_three_mappings_is_all_or_nothing_for_each_allocation),
		on_a_task(munlock_is_all_or_nothing_for_each_allocation),
		on_a_task(mlockall_is_all_or_nothing_for_each_allocation),
		on_a_task(mmap_under_future_is_all_or_nothing_for_each_allocation),
		on_a_task(munlockall_needs_no_allocation),
		on_a_task(mlock2_on_fault_locks_without_populating),
		on_a_task(mlockall_refuses_flags_that_it_does_not_have),
		on_a_task(mlockall_future_locks_what_is_mapped_later),
		on_a_task(mlockall_current_cancels_an_earlier_future),
		on_a_task(mmap_under_future_fails_where_it_cannot_lock),
		on_a_task(munmap_removes_locks),
		on_a_task(mprotect_keeps_locks),
		on_a_task(msync_sees_locks),
		on_a_task(madvise_gives_up_pages_that_are_not_locked),
		on_a_task(touch_faults_where_an_access_would),
		on_a_task(a_child_has_no_locks_and_its_parent_keeps_them),
		on_a_task(random_calls_fail_without_effect_and_lock_only_what_is_resident),
		cmocka_unit_test(a_program_is_answered_with_its_trace),
		cmocka_unit_test(the_longest_trace_is_whole),
		cmocka_unit_test(an_unknown_model_has_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
