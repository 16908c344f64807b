/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "linux/linux.h"
#include "model_fixture.h"

static long move(struct fixture *f, size_t page, size_t pages, size_t to, size_t new_pages)
{
	return f->system.mremap(f->task, at(f, page), pages * PAGE, at(f, to), new_pages * PAGE);
}

static void what_does_not_grow_may_be_several_mappings(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aar__");

	lock(f, 0, 3);
	assert_int_equal(move(f, 0, 3, 0, 3), 0);
	assert_locked(f, "LLL__");
	assert_int_equal(move(f, 0, 3, 0, 4), -EFAULT);
	assert_int_equal(move(f, 0, 3, 0, 1), 0);
	assert_locked(f, "L____");
	assert_int_equal(f->task->mm->locked_vm, 1);
}

static void only_linux_5_10_does_not_look_whether_anything_is_there(void **state)
{
	struct fixture *f = lay_on(state, linux_5_10_calls, "a__a");

	assert_int_equal(move(f, 1, 1, 1, 1), 0);
	assert_int_equal(move(f, 2, 2, 2, 1), 0);
	assert_layout(f, "|___");
	linux_6_1_calls(&f->system);
	f->task->mm->rules = f->task->rules;
	assert_int_equal(move(f, 1, 1, 1, 1), -EFAULT);
}

static void what_is_in_the_way_is_gone_up_to_linux_6_16_where_nothing_moves(void **state)
{
	struct fixture *f = lay_on(state, linux_6_12_calls, "aar_ff");

	assert_int_equal(move(f, 0, 3, 3, 3), -EFAULT);
	assert_layout(f, "|-|___");
}

static void several_mappings_move_together_from_linux_6_17_on(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "a_r__fff__");

	lock(f, 0, 1);
	assert_int_equal(move(f, 0, 3, 5, 3), 0);
	assert_locked(f, "_____L..__");
	assert_layout(f, "_____|||__");
	assert_int_equal(move(f, 4, 3, 0, 3), -EFAULT);
	assert_int_equal(f->task->mm->locked_vm, 1);
}

static void what_linux_6_cannot_grow_leaves_what_is_in_the_way(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "a__ff");

	lock(f, 0, 1);
	limit_memlock(f, 1);
	assert_int_equal(move(f, 0, 1, 3, 2), -EAGAIN);
	assert_locked(f, "L__..");
	assert_int_equal(move(f, 0, 1, 3, 1), 0);
	assert_locked(f, "___L.");
}

static void a_mapping_grows_only_at_its_end_and_becomes_one_with_what_follows(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aa_a");

	assert_int_equal(move(f, 0, 1, 0, 2), -ENOMEM);
	assert_int_equal(move(f, 1, 1, 1, 3), -ENOMEM);
	assert_int_equal(move(f, 1, 1, 1, 2), 0);
	assert_layout(f, "|---");
}

static void linux_5_10_leaves_what_grew_apart_from_what_follows(void **state)
{
	struct fixture *f = lay_on(state, linux_5_10_calls, "aa_a");

	assert_int_equal(move(f, 1, 1, 1, 2), 0);
	assert_layout(f, "|--|");
}

static void memory_that_was_written_to_becomes_one_only_with_what_it_came_from(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aaaa__a");

	assert_int_equal(f->system.touch(f->task, at(f, 0), 4), 0);
	assert_int_equal(move(f, 0, 2, 4, 2), 0);
	assert_layout(f, "__|-|-|");
	assert_int_equal(move(f, 4, 2, 0, 2), 0);
	assert_layout(f, "|---__|");
	assert_int_equal(move(f, 6, 1, 4, 1), 0);
	assert_layout(f, "|----__");
}

static void a_shared_mapping_grows_beyond_its_object(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "ss_");

	lock(f, 0, 2);
	assert_int_equal(move(f, 0, 2, 0, 3), 0);
	assert_locked(f, "LLL");
	assert_resident(f, "RR.");
	assert_int_equal(f->system.touch(f->task, at(f, 1), 2), SIGBUS);
}

static void a_move_wants_room_for_more_mappings(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "aaa___");

	f->system.limit_mappings(f->task, 5);
	assert_int_equal(move(f, 1, 1, 4, 1), -ENOMEM);
	assert_int_equal(move(f, 0, 3, 0, 2), 0);
	f->system.limit_mappings(f->task, 6);
	assert_int_equal(move(f, 0, 2, 3, 2), 0);
}

static void linux_7_1_wants_room_in_place_too(void **state)
{
	struct fixture *f = lay_on(state, linux_7_1_calls, "aaa___");

	f->system.limit_mappings(f->task, 3);
	assert_int_equal(move(f, 0, 3, 0, 2), -ENOMEM);
	f->system.limit_mappings(f->task, 4);
	assert_int_equal(move(f, 0, 3, 0, 2), 0);
	assert_int_equal(move(f, 0, 2, 3, 2), 0);
}

static void linux_2_6_16_stops_at_the_first_page_that_it_cannot_bring_in(void **state)
{
	struct fixture *f = lay_on(state, linux_2_6_16_calls, "a____");

	lock(f, 0, 1);
	f->system.arm(f->task, 2);
	assert_int_equal(move(f, 0, 1, 0, 4), 0);
	assert_true(f->system.injected(f->task));
	assert_locked(f, "LLLL_");
	assert_resident(f, "RR.._");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_a_task(what_does_not_grow_may_be_several_mappings),
		on_a_task(only_linux_5_10_does_not_look_whether_anything_is_there),
		on_a_task(what_is_in_the_way_is_gone_up_to_linux_6_16_where_nothing_moves),
		on_a_task(several_mappings_move_together_from_linux_6_17_on),
		on_a_task(what_linux_6_cannot_grow_leaves_what_is_in_the_way),
		on_a_task(a_mapping_grows_only_at_its_end_and_becomes_one_with_what_follows),
		on_a_task(linux_5_10_leaves_what_grew_apart_from_what_follows),
		on_a_task(memory_that_was_written_to_becomes_one_only_with_what_it_came_from),
		on_a_task(a_shared_mapping_grows_beyond_its_object),
		on_a_task(a_move_wants_room_for_more_mappings),
		on_a_task(linux_7_1_wants_room_in_place_too),
		on_a_task(linux_2_6_16_stops_at_the_first_page_that_it_cannot_bring_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
