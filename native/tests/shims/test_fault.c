/* SPDX-License-Identifier: Apache-2.0 */

/* libfault.so in front of calls that only note what they were asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "inner_calls.h"

static size_t page_size, asked;

static int note(const void *address, size_t length)
{
	(void)address;
	asked = length;
	return 0;
}

/* The bytes that are locked of a range, which begins so many bytes behind the start of a page. */
static size_t part_of(size_t offset, size_t length)
{
	asked = SIZE_MAX;
	assert_int_equal(mlock((void *)(16 * page_size + offset), length), -1);
	return asked;
}

static void a_part_is_the_first_half_of_the_pages_that_the_range_touches(void **data)
{
	(void)data;
	assert_int_equal(part_of(0, 4 * page_size), 2 * page_size);
	assert_int_equal(part_of(0, 3 * page_size), page_size);
	assert_int_equal(part_of(0, page_size), 0);
	assert_int_equal(part_of(page_size / 2, page_size), page_size / 2);
	assert_int_equal(part_of(page_size - 1, 2), 1);
	assert_int_equal(part_of(1, 3 * page_size), 2 * page_size - 1);
}

static void nothing_is_a_part_of_a_range_that_is_empty_or_wraps(void **data)
{
	(void)data;
	assert_int_equal(part_of(1, 0), 0);
	assert_int_equal(part_of(0, SIZE_MAX), 0);
}

/* The library reads its rules before main. */
int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_the_first_half_of_the_pages_that_the_range_touches),
		cmocka_unit_test(nothing_is_a_part_of_a_range_that_is_empty_or_wraps),
	};

	(void)count;
	if (!getenv("LOCKPROOF_FAULT")) {
		setenv("LOCKPROOF_FAULT", "mlock=part", 1);
		execv("/proc/self/exe", arguments);
		return 1;
	}
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	inner.mlock = note;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
