/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "model_fixture.h"

static void use(struct fixture *f, size_t page, size_t pages)
{
	assert_int_equal(f->system.touch(f->task, at(f, page), pages), 0);
}

static void reclaim(struct fixture *f)
{
	assert_int_equal(f->system.reclaim(f->task), 0);
}

static void what_is_locked_stays_in_either_mode_and_the_rest_goes(void **state)
{
	struct fixture *f = lay(state, "aaaass");

	use(f, 0, 6);
	lock(f, 1, 1);
	lock_on_fault(f, 2, 1);
	lock(f, 5, 1);
	reclaim(f);
	assert_resident(f, ".RR..R");
	assert_locked(f, ".LF..L");
}

static void what_was_unlocked_goes(void **state)
{
	struct fixture *f = lay(state, "aaa");

	lock(f, 0, 3);
	unlock(f, 1, 1);
	reclaim(f);
	assert_resident(f, "R.R");
}

static void what_is_gone_comes_back_when_it_is_locked(void **state)
{
	struct fixture *f = lay(state, "aaa");

	use(f, 0, 3);
	reclaim(f);
	assert_resident(f, "...");
	lock(f, 1, 1);
	assert_resident(f, ".R.");
}

static void a_page_that_is_mapped_twice_goes_when_neither_mapping_is_locked(void **state)
{
	struct fixture *f = lay(state, "ff_gg");

	use(f, 0, 2);
	use(f, 3, 2);
	lock(f, 0, 1);
	reclaim(f);
	assert_resident(f, "R._R.");
	unlock(f, 0, 1);
	reclaim(f);
	assert_resident(f, ".._..");
}

static void memory_is_taken_from_a_child_and_its_parent_but_what_that_has_locked(void **state)
{
	struct fixture *f = lay(state, "sss");

	use(f, 0, 3);
	lock(f, 0, 1);
	assert_int_equal(f->system.fork(f->task), 0);
	reclaim(f);
	assert_resident(f, "R..");
	f->system.leave(f->task, true);
	assert_resident(f, "R..");
	assert_locked(f, "L..");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_a_task(what_is_locked_stays_in_either_mode_and_the_rest_goes),
		on_a_task(what_was_unlocked_goes),
		on_a_task(what_is_gone_comes_back_when_it_is_locked),
		on_a_task(a_page_that_is_mapped_twice_goes_when_neither_mapping_is_locked),
		on_a_task(memory_is_taken_from_a_child_and_its_parent_but_what_that_has_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
