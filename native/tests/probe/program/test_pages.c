/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program/pages.h"

enum { PAGE = 4096 };

static void assert_pages(unsigned long address, unsigned long length, unsigned long first, unsigned long count)
{
	const struct page_range pages = whole_pages(address, length, PAGE);

	assert_int_equal(pages.first, first);
	assert_int_equal(pages.count, count);
}

static void every_page_that_holds_a_part_of_the_range_counts(void **state)
{
	(void)state;
	assert_pages(0, 1, 0, 1);
	assert_pages(0, PAGE, 0, 1);
	assert_pages(0, PAGE + 1, 0, 2);
	assert_pages(PAGE - 1, 2, 0, 2);
	assert_pages(2 * PAGE + 1, PAGE, 2, 2);
	assert_pages(0, ULONG_MAX, 0, ULONG_MAX / PAGE + 1);
	assert_pages(ULONG_MAX - PAGE + 1, PAGE, ULONG_MAX / PAGE, 1);
}

static void a_range_that_is_empty_or_wraps_has_no_pages(void **state)
{
	(void)state;
	assert_pages(3 * PAGE + 1, 0, 3, 0);
	assert_pages(2, ULONG_MAX, 0, 0);
	assert_pages(ULONG_MAX, 2, ULONG_MAX / PAGE, 0);
}

static void assert_linux(unsigned long address, unsigned long length, unsigned long start, unsigned long bytes)
{
	const struct byte_range range = linux_whole_pages(address, length, PAGE);

	assert_int_equal(range.start, start);
	assert_int_equal(range.length, bytes);
}

static void linux_rounds_in_sums_that_wrap(void **state)
{
	(void)state;
	assert_linux(PAGE + 1, PAGE, PAGE, 2 * PAGE);
	assert_linux(PAGE, 0, PAGE, 0);
	assert_linux(PAGE + 1, 0, PAGE, PAGE);
	assert_linux(PAGE, ULONG_MAX, PAGE, 0);
	assert_linux(2 * PAGE - 1, ULONG_MAX, PAGE, PAGE);
	assert_linux(PAGE, ULONG_MAX - PAGE + 1, PAGE, ULONG_MAX - PAGE + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_that_holds_a_part_of_the_range_counts),
		cmocka_unit_test(a_range_that_is_empty_or_wraps_has_no_pages),
		cmocka_unit_test(linux_rounds_in_sums_that_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
