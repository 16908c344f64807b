/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MLOCK_ONFAULT, MCL_ONFAULT */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "linux/linux.h"
#include "model_fixture.h"

static long lock_all(struct fixture *f, int flags)
{
	return f->system.mlockall(f->task, flags);
}

static void arm(struct fixture *f, unsigned long n)
{
	f->system.arm(f->task, n);
}

static bool injected(struct fixture *f)
{
	return f->system.injected(f->task);
}

static void linux_2_6_16_leaves_the_pages_before_a_hole_locked(void **state)
{
	struct fixture *f = lay_on(state, linux_2_6_16_calls, "aaa_rr");

	assert_int_equal(lock(f, 1, 4), -ENOMEM);
	assert_locked(f, ".LL_..");
	assert_layout(f, "||-_|-");
	assert_int_equal(f->task->mm->locked_vm, 2);
}

static void linux_2_6_16_says_eagain_for_a_mapping_that_it_cannot_split(void **state)
{
	struct fixture *f = lay_on(state, linux_2_6_16_calls, "aaa");

	arm(f, 1);
	assert_int_equal(lock(f, 1, 1), -EAGAIN);
	assert_locked(f, "...");
}

static void linux_2_6_16_ignores_what_mlockall_cannot_lock(void **state)
{
	struct fixture *f = lay_on(state, linux_2_6_16_calls, "anr");

	assert_int_equal(lock_all(f, MCL_CURRENT), 0);
	assert_locked(f, "LLL");
	assert_resident(f, "R.R");
}

/* Two huge pages of a pool, each of 512 pages. */
static struct fixture *lay_huge_pages_on(void **state, void (*calls)(struct system *system))
{
	static const struct region pool = { .letter = 'p', .kind = KIND_HUGETLB, .protection = PROT_READ, .alias = -1 };
	static char map[1025];
	struct fixture *f;

	memset(map, '_', sizeof(map) - 1);
	f = lay_on(state, calls, map);
	assert_int_equal(f->system.declare(f->task, REGIONS, &pool), 0);
	assert_int_equal(f->system.map(f->task, REGIONS, at(f, 0), 1024, 0, false), 0);
	return f;
}

static void linux_2_6_16_parts_no_huge_page(void **state)
{
	struct fixture *f = lay_huge_pages_on(state, linux_2_6_16_calls);

	assert_int_equal(lock(f, 0, 1), -EINVAL);
	assert_int_equal(lock(f, 1, 1023), -EINVAL);
	assert_int_equal(f->task->mm->locked_vm, 0);
	assert_int_equal(lock(f, 512, 512), 0);
	assert_int_equal(f->task->mm->locked_vm, 512);
	assert_int_equal(unlock(f, 600, 512 - 88), -EINVAL);
	assert_int_equal(f->system.munmap(f->task, at(f, 0), PAGE), -EINVAL);
	assert_int_equal(unlock(f, 0, 1024), 0);
	assert_int_equal(f->task->mm->locked_vm, 0);
}

static void linux_6_locks_no_huge_page_and_parts_none(void **state)
{
	struct fixture *f = lay_huge_pages_on(state, linux_6_calls);

	assert_int_equal(lock(f, 1, 512), 0);
	assert_int_equal(f->task->mm->locked_vm, 0);
	assert_int_equal(f->system.munmap(f->task, at(f, 1), 512 * PAGE), -EINVAL);
	assert_int_equal(f->system.mprotect(f->task, at(f, 0), 511 * PAGE, PROT_NONE), -EINVAL);
	assert_int_equal(f->system.mprotect(f->task, at(f, 0), 512 * PAGE, PROT_NONE), 0);
	assert_int_equal(f->system.munmap(f->task, at(f, 512), 512 * PAGE), 0);
}

static void an_unmapping_at_the_mapping_limit_may_take_off_an_end_of_a_mapping(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aaaa");

	f->system.limit_mappings(f->task, 0);
	assert_int_equal(f->system.munmap(f->task, at(f, 1), PAGE), -ENOMEM);
	assert_int_equal(f->system.munmap(f->task, at(f, 0), PAGE), 0);
	assert_int_equal(f->system.munmap(f->task, at(f, 3), PAGE), 0);
	assert_layout(f, "_|-_");
}

static void the_patch_of_2006_rolls_back_to_where_the_hole_begins(void **state)
{
	struct fixture *f = lay_on(state, posixmlock_calls, "aaa_rr");

	assert_int_equal(lock(f, 1, 4), -ENOMEM);
	assert_locked(f, "..._..");
	assert_layout(f, "|--_|-");
	assert_int_equal(f->task->mm->locked_vm, 0);
}

static void the_patch_of_2006_passes_on_what_make_pages_present_returns(void **state)
{
	struct fixture *f = lay_on(state, posixmlock_calls, "naa");

	assert_int_equal(lock(f, 0, 1), -EFAULT);
	arm(f, 4); /* page tables, an anon_vma, and a page, come before the second page */
	assert_int_equal(lock(f, 1, 2), -1);
	assert_locked(f, "...");
}

static void the_patch_of_2006_merges_nothing_after_a_merge_that_did_not_happen(void **state)
{
	struct fixture *f = lay_on(state, posixmlock_calls, "raa_");

	assert_int_equal(lock(f, 0, 2), 0);
	assert_layout(f, "|||_");
	assert_int_equal(unlock(f, 0, 2), 0);
	assert_locked(f, "..._");
	assert_layout(f, "|||_"); /* a and a could be one again */
}

static void the_patch_of_2006_does_not_cancel_mcl_future(void **state)
{
	struct fixture *f = lay_on(state, posixmlock_calls, "a_");

	assert_int_equal(lock_all(f, MCL_FUTURE), 0);
	assert_int_equal(f->system.munlockall(f->task), 0);
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 1), 1, 0, true), 0);
	assert_locked(f, ".L");
}

static void the_patch_of_2006_arms_mcl_future_before_it_fails(void **state)
{
	struct fixture *f = lay_on(state, posixmlock_calls, "n_");

	assert_int_equal(lock_all(f, MCL_CURRENT | MCL_FUTURE), -EFAULT);
	assert_locked(f, "._");
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 1), 1, 0, true), 0);
	assert_locked(f, ".L");
}

static void an_access_behind_a_file_is_sigbus_where_it_is_permitted_at_all(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "ffffff_");

	f->system.guard(f->task, at(f, 4), PAGE);
	assert_int_equal(f->system.mprotect(f->task, at(f, 5), PAGE, PROT_NONE), 0);
	assert_int_equal(f->system.touch(f->task, at(f, 2), 5), SIGBUS);
	assert_resident(f, "..R..._");
	assert_int_equal(f->system.touch(f->task, at(f, 4), 1), SIGSEGV);
	assert_int_equal(f->system.touch(f->task, at(f, 5), 1), SIGSEGV);
	assert_int_equal(f->system.touch(f->task, at(f, 6), 1), SIGSEGV);
}

static void linux_6_keeps_all_of_a_range_locked_that_it_could_not_populate(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "anr_");

	assert_int_equal(lock(f, 0, 3), -ENOMEM);
	assert_locked(f, "LLL_");
	assert_resident(f, "R.._");
}

static void linux_6_tries_a_batch_again_that_has_begun(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aaa");

	arm(f, 3); /* page tables and an anon_vma come before the first page */
	assert_int_equal(lock(f, 0, 3), -EAGAIN);
	assert_locked(f, "LLL");
	arm(f, 2);
	assert_int_equal(lock(f, 0, 3), 0);
	assert_true(injected(f));
	assert_resident(f, "RRR");
}

static void what_is_only_read_takes_no_memory_but_page_tables(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "rr");

	arm(f, 2); /* the new mapping comes first */
	assert_int_equal(lock(f, 0, 1), -EAGAIN);
	assert_int_equal(lock(f, 0, 1), 0);
	arm(f, 2); /* its merging with the one before comes first */
	assert_int_equal(lock(f, 1, 1), 0);
	assert_false(injected(f));
	assert_resident(f, "RR");
}

static void what_was_only_read_takes_memory_when_it_is_written_to(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "r");

	assert_int_equal(lock(f, 0, 1), 0);
	assert_int_equal(unlock(f, 0, 1), 0);
	assert_int_equal(f->system.mprotect(f->task, at(f, 0), 1 << PAGE_SHIFT, PROT_READ | PROT_WRITE), 0);
	arm(f, 2); /* an anon_vma, and the page */
	assert_int_equal(lock(f, 0, 1), -EAGAIN);
	assert_true(injected(f));
}

static void page_tables_go_with_the_last_mapping(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "rr");

	assert_int_equal(lock(f, 0, 2), 0);
	assert_int_equal(f->system.munmap(f->task, at(f, 0), 1 << PAGE_SHIFT), 0);
	assert_true(f->task->mm->has_table);
	assert_int_equal(f->system.munmap(f->task, at(f, 1), 1 << PAGE_SHIFT), 0);
	assert_false(f->task->mm->has_table);
}

static void linux_6_1_does_without_a_merge_for_which_it_has_no_memory(void **state)
{
	struct fixture *f = lay_on(state, linux_6_1_calls, "rr");

	assert_int_equal(lock(f, 0, 1), 0);
	assert_layout(f, "||");
	arm(f, 1);
	assert_int_equal(lock(f, 1, 1), 0);
	assert_true(injected(f));
	assert_locked(f, "LL");
	assert_layout(f, "||");
}

static void linux_6_fails_where_it_has_no_memory_for_a_merge(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "rrr");

	assert_int_equal(lock(f, 0, 1), 0);
	arm(f, 1); /* only the bounds between the two mappings move */
	assert_int_equal(lock(f, 1, 1), 0);
	assert_false(injected(f));
	assert_layout(f, "|-|");
	arm(f, 1); /* one mapping less */
	assert_int_equal(lock(f, 2, 1), -ENOMEM);
	assert_locked(f, "LL.");
}

static void linux_6_fails_where_it_has_no_memory_for_the_anon_vma_of_a_merge(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aaaaa");

	assert_int_equal(lock(f, 3, 2), 0);
	arm(f, 1);
	assert_int_equal(unlock(f, 3, 1), -ENOMEM);
	assert_locked(f, "...LL");
	arm(f, 2);
	assert_int_equal(unlock(f, 3, 1), 0);
	assert_false(injected(f));
	assert_layout(f, "|---|");
}

static void linux_6_1_lends_a_new_mapping_the_anon_vma_of_the_one_behind(void **state)
{
	struct fixture *f = lay_on(state, linux_6_1_calls, "aaa");

	assert_int_equal(lock(f, 2, 1), 0);
	assert_int_equal(unlock(f, 2, 1), 0);
	assert_layout(f, "|-|");
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 1), 1, 0, false), 0);
	assert_layout(f, "||-");
}

static void only_linux_5_10_tries_to_lock_on_fault_what_cannot_be_used(void **state)
{
	struct fixture *f = lay_on(state, linux_5_10_calls, "n");

	assert_int_equal(f->system.mlock2(f->task, at(f, 0), 1 << PAGE_SHIFT, MLOCK_ONFAULT), -ENOMEM);
	linux_6_1_calls(&f->system);
	f->task->mm->rules = f->task->rules;
	assert_int_equal(f->system.mlock2(f->task, at(f, 0), 1 << PAGE_SHIFT, MLOCK_ONFAULT), 0);
}

static void map_locked_locks_on_fault_under_mcl_onfault(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "a__");

	assert_int_equal(f->system.map_locked(f->task, ANONYMOUS, at(f, 1), 1, 0), 0);
	assert_int_equal(lock_all(f, MCL_FUTURE | MCL_ONFAULT), 0);
	assert_int_equal(f->system.map_locked(f->task, ANONYMOUS, at(f, 2), 1, 0), 0);
	assert_locked(f, ".LF");
	assert_resident(f, ".R.");
}

static void linux_6_counts_locked_pages_once(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aaaa");

	limit_memlock(f, 3);
	assert_int_equal(lock(f, 0, 3), 0);
	assert_int_equal(lock(f, 1, 2), 0);
	assert_int_equal(lock(f, 1, 3), -ENOMEM);
	assert_locked(f, "LLL.");
}

/* What was written to in two mappings stays two; up to 6.15 also where only one was. */
static void versions_differ_in_what_merges_with_memory_never_written_to(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aaa");

	lock(f, 1, 1);
	unlock(f, 1, 1);
	assert_layout(f, "|--");
}

static void linux_6_12_leaves_memory_that_was_written_to_apart(void **state)
{
	struct fixture *f = lay_on(state, linux_6_12_calls, "aaa");

	lock(f, 1, 1);
	unlock(f, 1, 1);
	assert_layout(f, "|||");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_a_task(linux_2_6_16_leaves_the_pages_before_a_hole_locked),
		on_a_task(linux_2_6_16_says_eagain_for_a_mapping_that_it_cannot_split),
		on_a_task(linux_2_6_16_ignores_what_mlockall_cannot_lock),
		on_a_task(linux_2_6_16_parts_no_huge_page),
		on_a_task(linux_6_locks_no_huge_page_and_parts_none),
		on_a_task(an_unmapping_at_the_mapping_limit_may_take_off_an_end_of_a_mapping),
		on_a_task(the_patch_of_2006_rolls_back_to_where_the_hole_begins),
		on_a_task(the_patch_of_2006_passes_on_what_make_pages_present_returns),
		on_a_task(the_patch_of_2006_merges_nothing_after_a_merge_that_did_not_happen),
		on_a_task(the_patch_of_2006_does_not_cancel_mcl_future),
		on_a_task(the_patch_of_2006_arms_mcl_future_before_it_fails),
		on_a_task(an_access_behind_a_file_is_sigbus_where_it_is_permitted_at_all),
		on_a_task(linux_6_keeps_all_of_a_range_locked_that_it_could_not_populate),
		on_a_task(linux_6_tries_a_batch_again_that_has_begun),
		on_a_task(what_is_only_read_takes_no_memory_but_page_tables),
		on_a_task(what_was_only_read_takes_memory_when_it_is_written_to),
		on_a_task(page_tables_go_with_the_last_mapping),
		on_a_task(linux_6_1_does_without_a_merge_for_which_it_has_no_memory),
		on_a_task(linux_6_fails_where_it_has_no_memory_for_a_merge),
		on_a_task(linux_6_fails_where_it_has_no_memory_for_the_anon_vma_of_a_merge),
		on_a_task(linux_6_1_lends_a_new_mapping_the_anon_vma_of_the_one_behind),
		on_a_task(only_linux_5_10_tries_to_lock_on_fault_what_cannot_be_used),
		on_a_task(map_locked_locks_on_fault_under_mcl_onfault),
		on_a_task(linux_6_counts_locked_pages_once),
		on_a_task(versions_differ_in_what_merges_with_memory_never_written_to),
		on_a_task(linux_6_12_leaves_memory_that_was_written_to_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
