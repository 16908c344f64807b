/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MLOCK_ONFAULT */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "model_fixture.h"

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
	assert_int_equal(lock(f, 3, 1), -ENOMEM);
	assert_unchanged(f);
	assert_int_equal(lock(f, 2, 1), 0);   /* as many mappings as before */
	assert_int_equal(unlock(f, 0, 1), 0); /* the last one that can be had */
	remember(f);
	assert_int_equal(lock_on_fault(f, 2, 1), -ENOMEM);
	assert_int_equal(f->system.munmap(f->task, at(f, 4), PAGE), -ENOMEM);
	assert_int_equal(f->system.mprotect(f->task, at(f, 4), PAGE, PROT_NONE), -ENOMEM);
	assert_int_equal(f->system.map(f->task, NONE, at(f, 4), 1, 0, false), -EMFILE);
	assert_unchanged(f);
	assert_int_equal(f->system.mlockall(f->task, MCL_CURRENT), 0);
	assert_locked(f, "LLLLLL");
}

static void munlock_without_room_for_its_splits_is_enomem(void **state)
{
	struct fixture *f = lay(state, "aaaa");

	lock(f, 0, 4);
	f->system.limit_mappings(f->task, 1);
	remember(f);
	assert_int_equal(unlock(f, 1, 2), -ENOMEM);
	assert_unchanged(f);
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
	assert_int_equal(f->system.msync(f->task, at(f, 1), PAGE, MS_INVALIDATE), -EINVAL);
	assert_int_equal(f->system.msync(f->task, at(f, 2), PAGE, 0), -EINVAL);
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
	assert_int_equal(f->system.touch(f->task, at(f, 0), 2), SIGSEGV);
	assert_int_equal(f->system.touch(f->task, at(f, 2), 1), SIGSEGV);
	assert_int_equal(f->system.touch(f->task, at(f, 3), 5), SIGBUS);
	assert_int_equal(f->system.touch(f->task, at(f, 7), 1), SIGSEGV);
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
	f->system.leave(f->task, true);
	assert_memory_equal(f->task->mm->mappings, f->mappings, f->header.count * sizeof(struct mapping));
	assert_locked(f, "LL._");
	f->system.map(f->task, ANONYMOUS, at(f, 3), 1, 0, false);
	assert_locked(f, "LL.L");
}

int main(void)
{
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
		on_a_task(munlock_without_room_for_its_splits_is_enomem),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
