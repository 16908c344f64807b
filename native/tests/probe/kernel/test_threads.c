/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/threads.h"

enum { THREADS = 3, TIMES = 100 };

struct count {
	int under_way;	    /* threads inside their first call */
	int calls[THREADS]; /* of each thread */
};

static void wait_for_the_others(void *argument, int thread)
{
	struct count *count = argument;

	if (count->calls[thread]++ == 0) {
		__atomic_add_fetch(&count->under_way, 1, __ATOMIC_ACQ_REL);
		while (__atomic_load_n(&count->under_way, __ATOMIC_ACQUIRE) < THREADS)
			sched_yield();
	}
}

static void count_calls(void *argument, int thread)
{
	((struct count *)argument)->calls[thread]++;
}

/* None of the first calls returns before all have begun: made one after another they would never end. */
static void calls_are_made_at_the_same_time_so_many_times_by_each(void **state)
{
	struct count count = { 0 };

	(void)state;
	assert_int_equal(kernel_make_threads(NULL, THREADS), 0);
	assert_int_equal(kernel_at_once(NULL, THREADS, TIMES, 0, wait_for_the_others, &count), 0);
	for (int thread = 0; thread < THREADS; thread++)
		assert_int_equal(count.calls[thread], TIMES);
}

static void a_later_step_may_need_fewer_threads(void **state)
{
	struct count count = { 0 };

	(void)state;
	assert_int_equal(kernel_at_once(NULL, THREADS - 1, 2, 0, count_calls, &count), 0);
	assert_int_equal(count.calls[0], 2);
	assert_int_equal(count.calls[1], 2);
	assert_int_equal(count.calls[2], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_made_at_the_same_time_so_many_times_by_each),
		cmocka_unit_test(a_later_step_may_need_fewer_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
