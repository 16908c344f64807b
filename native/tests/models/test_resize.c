/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "model_fixture.h"

static long move(struct fixture *f, size_t page, size_t pages, size_t to, size_t new_pages)
{
	return f->system.mremap(f->task, at(f, page), pages * PAGE, at(f, to), new_pages * PAGE);
}

static void a_mapping_takes_its_locks_and_pages_along(void **state)
{
	struct fixture *f = lay(state, "aaa_____");

	lock(f, 1, 1);
	lock_on_fault(f, 2, 1);
	assert_int_equal(move(f, 1, 2, 5, 2), 0);
	assert_locked(f, ".____LF_");
	assert_resident(f, ".____R._");
}

static void what_it_moves_over_is_gone(void **state)
{
	struct fixture *f = lay(state, "aa__rrr");

	lock(f, 4, 3);
	assert_int_equal(move(f, 0, 2, 4, 2), 0);
	assert_locked(f, "____..L");
	assert_resident(f, "____..R");
}

static void a_locked_mapping_grows_locked_and_shrinks(void **state)
{
	struct fixture *f = lay(state, "aa____");

	lock(f, 0, 2);
	assert_int_equal(move(f, 0, 2, 0, 4), 0);
	assert_locked(f, "LLLL__");
	assert_resident(f, "RRRR__");
	assert_int_equal(move(f, 0, 4, 0, 1), 0);
	assert_locked(f, "L_____");
}

static void it_grows_only_where_there_is_room_and_within_the_limit(void **state)
{
	struct fixture *f = lay(state, "aa_r__");

	lock(f, 0, 2);
	limit_memlock(f, 3);
	remember(f);
	assert_int_equal(move(f, 0, 2, 0, 4), -ENOMEM);
	assert_unchanged(f);
	assert_int_equal(move(f, 0, 2, 0, 3), 0);
	assert_int_equal(move(f, 3, 1, 3, 2), 0);
	assert_int_equal(move(f, 0, 1, 5, 2), -ENOMEM); /* the arena ends */
	assert_int_equal(move(f, 0, 3, 1, 3), -EINVAL); /* onto itself */
	assert_int_equal(move(f, 2, 4, 0, 1), -EFAULT);
}

static void a_file_goes_on_where_a_mapping_of_it_grows(void **state)
{
	struct fixture *f = lay(state, "ff___");

	assert_int_equal(move(f, 0, 2, 0, 3), 0);
	assert_layout(f, "|--__");
	assert_int_equal(lock(f, 0, 3), 0);
}

static void the_heap_grows_locked_under_mcl_future_only(void **state)
{
	struct fixture *f = lay(state, "_h____");

	assert_int_equal(f->system.brk(f->task, at(f, 3)), 0);
	assert_locked(f, "_..___");
	f->system.mlockall(f->task, MCL_FUTURE);
	assert_int_equal(f->system.brk(f->task, at(f, 5)), 0);
	assert_locked(f, "_..LL_");
	assert_resident(f, "_..RR_");
	assert_int_equal(f->system.brk(f->task, at(f, 2)), 0);
	assert_locked(f, "_.____");
	assert_int_equal(f->system.brk(f->task, at(f, 0)), -ENOMEM);
}

static void a_page_stays_free_behind_the_heap_and_more_below_a_stack(void **state)
{
	struct fixture *f = lay(state, "h___a__k");

	remember(f);
	assert_int_equal(f->system.brk(f->task, at(f, 4)), -ENOMEM);
	assert_int_equal(f->system.touch(f->task, at(f, 6), 1), SIGSEGV);
	assert_unchanged(f);
	assert_int_equal(f->system.brk(f->task, at(f, 3)), 0);
	assert_int_equal(f->system.munmap(f->task, at(f, 4), PAGE), 0);
	assert_int_equal(f->system.brk(f->task, at(f, 4)), -ENOMEM);
}

static void a_stack_grows_up_to_one_or_to_what_cannot_be_accessed(void **state)
{
	struct fixture *f = lay(state, "k_k__n__k");

	assert_int_equal(f->system.touch(f->task, at(f, 1), 1), 0);
	assert_int_equal(f->system.touch(f->task, at(f, 6), 2), 0);
	assert_resident(f, ".R.__.RR.");
}

static void a_program_without_a_heap_has_none_to_grow(void **state)
{
	struct fixture *f = lay(state, "a__");

	remember(f);
	assert_int_equal(f->system.brk(f->task, at(f, 2)), -ENOMEM);
	assert_unchanged(f);
}

static void a_stack_grows_to_the_page_that_is_used(void **state)
{
	struct fixture *f = lay(state, "____kk");

	lock(f, 4, 2);
	assert_int_equal(f->system.touch(f->task, at(f, 2), 1), 0);
	assert_locked(f, "__LLLL");
	assert_resident(f, "__RRRR");
	limit_memlock(f, 5);
	assert_int_equal(f->system.touch(f->task, at(f, 1), 1), 0);
	assert_int_equal(f->system.touch(f->task, at(f, 0), 1), SIGSEGV);
	assert_locked(f, "_LLLLL");
}

static void nothing_but_a_stack_grows(void **state)
{
	struct fixture *f = lay(state, "__a");

	assert_int_equal(f->system.touch(f->task, at(f, 1), 1), SIGSEGV);
}

static void a_new_image_has_neither_memory_nor_locks_of_the_old_one(void **state)
{
	struct fixture *f = lay(state, "aaa");

	f->system.mlockall(f->task, MCL_CURRENT | MCL_FUTURE);
	remember(f);
	assert_int_equal(f->system.exec(f->task, NULL, NULL, true), -ENOENT);
	assert_unchanged(f);
	assert_int_equal(f->system.exec(f->task, NULL, NULL, false), 0);
	assert_locked(f, "___");
	assert_elsewhere_locked(f, 0);
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 0), 2, 0, false), 0);
	assert_locked(f, ".._");
}

static void map_locked_locks_what_it_maps_and_nothing_later(void **state)
{
	struct fixture *f = lay(state, "a____");

	assert_int_equal(f->system.map_locked(f->task, ANONYMOUS, at(f, 1), 2, 0), 0);
	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 3), 1, 0, false), 0);
	assert_locked(f, ".LL._");
	assert_resident(f, ".RR._");
	limit_memlock(f, 0);
	assert_int_equal(f->system.map_locked(f->task, ANONYMOUS, at(f, 4), 1, 0), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_a_task(a_mapping_takes_its_locks_and_pages_along),
		on_a_task(what_it_moves_over_is_gone),
		on_a_task(a_locked_mapping_grows_locked_and_shrinks),
		on_a_task(it_grows_only_where_there_is_room_and_within_the_limit),
		on_a_task(a_file_goes_on_where_a_mapping_of_it_grows),
		on_a_task(the_heap_grows_locked_under_mcl_future_only),
		on_a_task(a_page_stays_free_behind_the_heap_and_more_below_a_stack),
		on_a_task(a_stack_grows_up_to_one_or_to_what_cannot_be_accessed),
		on_a_task(a_program_without_a_heap_has_none_to_grow),
		on_a_task(a_stack_grows_to_the_page_that_is_used),
		on_a_task(nothing_but_a_stack_grows),
		on_a_task(a_new_image_has_neither_memory_nor_locks_of_the_old_one),
		on_a_task(map_locked_locks_what_it_maps_and_nothing_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
