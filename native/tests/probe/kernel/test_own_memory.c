/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "kernel/own_memory.h"

enum { LEFT_AT_MOST = 160 * 1024, MUCH = 512 * 1024 };

/* Bytes of the mapping that the stack is in. */
static unsigned long stack_size(void)
{
	char line[512];
	unsigned long start, end, here = (unsigned long)(uintptr_t)__builtin_frame_address(0), size = 0;
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= here && here < end)
			size = end - start;
	}
	fclose(maps);
	return size;
}

static void __attribute__((noinline)) use_stack(void)
{
	volatile char memory[MUCH];

	for (size_t i = sizeof(memory); i-- > 0;)
		memory[i] = 0;
}

static void what_the_stack_does_not_need_is_given_back(void **state)
{
	unsigned long before;

	(void)state;
	use_stack();
	before = stack_size();
	assert_true(before >= MUCH);
	own_memory_trim();
	assert_true(stack_size() <= before - MUCH + LEFT_AT_MOST);
}

static void a_stack_that_is_too_small_grows_again(void **state)
{
	(void)state;
	own_memory_trim();
	use_stack();
	assert_true(stack_size() >= MUCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_stack_does_not_need_is_given_back),
		cmocka_unit_test(a_stack_that_is_too_small_grows_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
