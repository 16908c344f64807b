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

static long grow_heap(struct fixture *f, size_t page)
{
	return f->system.brk(f->task, at(f, page));
}

static long touch(struct fixture *f, size_t page, size_t pages)
{
	return f->system.touch(f->task, at(f, page), pages);
}

static void a_page_stays_free_behind_the_heap(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "h___r");

	assert_int_equal(f->system.mlockall(f->task, MCL_FUTURE), 0);
	assert_int_equal(grow_heap(f, 4), -ENOMEM);
	assert_int_equal(grow_heap(f, 3), 0);
	assert_locked(f, ".LL_.");
	assert_resident(f, ".RR_.");
	assert_int_equal(f->task->mm->locked_vm, 2);
}

static void no_heap_grows_into_the_gap_that_guards_a_stack(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "h____k");

	assert_int_equal(grow_heap(f, 2), -ENOMEM);
	linux_2_6_16_calls(&f->system);
	f->task->mm->rules = f->task->rules;
	assert_int_equal(grow_heap(f, 2), 0);
}

static void a_heap_of_which_nothing_is_mapped_shrinks_only_in_linux_5_10(void **state)
{
	struct fixture *f = lay_on(state, linux_6_1_calls, "hhh_");

	assert_int_equal(f->system.munmap(f->task, at(f, 1), 2 * PAGE), 0);
	assert_int_equal(grow_heap(f, 2), -ENOMEM);
	assert_int_equal(grow_heap(f, 3), 0);
	linux_5_10_calls(&f->system);
	f->task->mm->rules = f->task->rules;
	assert_int_equal(grow_heap(f, 2), 0);
}

static void the_heap_is_anonymous_memory_like_any_other(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "hh_");

	assert_int_equal(f->system.map(f->task, ANONYMOUS, at(f, 2), 1, 0, false), 0);
	assert_layout(f, "|--");
}

static void a_locked_stack_grows_locked_whatever_mcl_future_says(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "____k");

	assert_int_equal(f->system.mlockall(f->task, MCL_FUTURE), 0);
	assert_int_equal(touch(f, 3, 1), 0);
	assert_locked(f, "___..");
	lock(f, 3, 2);
	assert_int_equal(touch(f, 1, 1), 0);
	assert_locked(f, "_LLLL");
	assert_int_equal(f->task->mm->locked_vm, 4);
	limit_memlock(f, 4);
	assert_int_equal(touch(f, 0, 1), SIGSEGV);
}

static void a_stack_does_not_grow_near_memory_that_can_be_accessed(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "a____k_k");

	assert_int_equal(touch(f, 4, 1), SIGSEGV);
	assert_int_equal(touch(f, 6, 1), 0);
	assert_int_equal(f->system.mprotect(f->task, at(f, 0), PAGE, PROT_NONE), 0);
	assert_int_equal(touch(f, 4, 1), 0);
}

static void what_is_mapped_behind_the_program_is_near_its_data(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "h__k");

	assert_int_equal(f->system.munmap(f->task, at(f, 0), PAGE), 0);
	assert_int_equal(touch(f, 2, 1), SIGSEGV);
}

static void linux_2_6_16_keeps_no_gap_below_a_stack(void **state)
{
	struct fixture *f = lay_on(state, linux_2_6_16_calls, "a_k");

	assert_int_equal(touch(f, 1, 1), 0);
	assert_layout(f, "||-");
}

static void a_stack_that_grows_takes_an_anon_vma(void **state)
{
	struct fixture *f = lay_on(state, linux_6_calls, "__k_k");

	assert_int_equal(touch(f, 1, 1), 0);
	assert_int_equal(touch(f, 3, 1), 0);
	assert_layout(f, "_|-|-");
	lock(f, 1, 4);
	assert_layout(f, "_|-|-"); /* two of them */
}

static void linux_2_6_16_brings_in_a_heap_up_to_the_first_page_that_fails(void **state)
{
	struct fixture *f = lay_on(state, linux_2_6_16_calls, "h____");

	assert_int_equal(f->system.mlockall(f->task, MCL_CURRENT | MCL_FUTURE), 0);
	f->system.arm(f->task, 2);
	assert_int_equal(grow_heap(f, 4), 0);
	assert_true(f->system.injected(f->task));
	assert_locked(f, "LLLL_");
	assert_resident(f, "RR.._");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_a_task(a_page_stays_free_behind_the_heap),
		on_a_task(no_heap_grows_into_the_gap_that_guards_a_stack),
		on_a_task(a_heap_of_which_nothing_is_mapped_shrinks_only_in_linux_5_10),
		on_a_task(the_heap_is_anonymous_memory_like_any_other),
		on_a_task(a_locked_stack_grows_locked_whatever_mcl_future_says),
		on_a_task(a_stack_does_not_grow_near_memory_that_can_be_accessed),
		on_a_task(what_is_mapped_behind_the_program_is_near_its_data),
		on_a_task(linux_2_6_16_keeps_no_gap_below_a_stack),
		on_a_task(a_stack_that_grows_takes_an_anon_vma),
		on_a_task(linux_2_6_16_brings_in_a_heap_up_to_the_first_page_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
