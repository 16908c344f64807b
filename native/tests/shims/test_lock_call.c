/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "inner_calls.h"
#include "posixmlock/lock_call.h"

#define PAGE page_size()

static void assert_pages(struct address_range pages, uintptr_t start, uintptr_t end)
{
	assert_int_equal(pages.start, start);
	assert_int_equal(pages.end, end);
}

static void pages_are_whole(void **data)
{
	(void)data;
	assert_pages(pages_between(4 * PAGE, 1, true), 4 * PAGE, 5 * PAGE);
	assert_pages(pages_between(4 * PAGE - 1, 2, true), 3 * PAGE, 5 * PAGE);
	assert_pages(pages_between(4 * PAGE, 2 * PAGE, true), 4 * PAGE, 6 * PAGE);
	assert_true(is_empty(pages_between(4 * PAGE, 0, true)));
}

/* PAGE_ALIGN of Linux's mlock wraps to 0, or with the offset in the page to one page. */
static void a_length_that_wraps_leaves_what_it_leaves_to_the_kernel(void **data)
{
	(void)data;
	assert_true(is_empty(pages_between(4 * PAGE, SIZE_MAX, false)));
	assert_pages(pages_between(4 * PAGE + 0x800, SIZE_MAX - 0x6ff, false), 4 * PAGE, 5 * PAGE);
	assert_true(is_empty(pages_between(4 * PAGE, SIZE_MAX - 2 * PAGE, false)));
}

/* A program of 32 bits on a kernel of 64: up to the end of its addresses. */
static void in_sums_of_more_bits_than_the_length_nothing_wraps(void **data)
{
	struct address_range pages = pages_between(4 * PAGE + 0x800, UINT32_MAX - 0x6ff, true);

	(void)data;
	assert_int_equal(pages.start, 4 * PAGE);
	if (UINTPTR_MAX > UINT32_MAX)
		assert_int_equal(pages.end, 4 * PAGE + (UINT64_C(1) << 32) + PAGE);
	else
		assert_int_equal(pages.end, UINTPTR_MAX - PAGE + 1);
}

static void only_some_calls_are_about_what_is_mapped(void **data)
{
	struct lock_call call = { LOCK_ALL, 0, 0, MCL_FUTURE };

	(void)data;
	assert_true(is_empty(call_pages(&call)));
	call.flags = MCL_CURRENT;
	assert_pages(call_pages(&call), 0, UINTPTR_MAX);
	call.operation = UNLOCK_ALL;
	assert_pages(call_pages(&call), 0, UINTPTR_MAX);
}

static void the_mode_is_that_of_the_flags(void **data)
{
	static const struct {
		struct lock_call call;
		enum mode mode;
	} calls[] = {
		{ { LOCK, 0, 1, 0 }, EAGER },
		{ { LOCK2, 0, 1, 0 }, EAGER },
		{ { LOCK2, 0, 1, MLOCK_ONFAULT }, ON_FAULT },
		{ { UNLOCK, 0, 1, 0 }, NOT_LOCKED },
		{ { LOCK_ALL, 0, 0, MCL_CURRENT }, EAGER },
		{ { LOCK_ALL, 0, 0, MCL_CURRENT | MCL_ONFAULT }, ON_FAULT },
		{ { UNLOCK_ALL, 0, 0, 0 }, NOT_LOCKED },
	};

	(void)data;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(call_mode(&calls[i].call), calls[i].mode);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_whole),
		cmocka_unit_test(a_length_that_wraps_leaves_what_it_leaves_to_the_kernel),
		cmocka_unit_test(in_sums_of_more_bits_than_the_length_nothing_wraps),
		cmocka_unit_test(only_some_calls_are_about_what_is_mapped),
		cmocka_unit_test(the_mode_is_that_of_the_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
