/* SPDX-License-Identifier: Apache-2.0 */

/* Runs beside an array that has a mode for each page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "posixmlock/runs.h"
#include "posixmlock/state.h"

enum { PAGES = 40, STEPS = 20000 };

static const char letters[] = ".LF?", none = ' ';

static struct address_range some_pages(unsigned *seed)
{
	uintptr_t start = (uintptr_t)rand_r(seed) % PAGES;

	return (struct address_range){ start, start + 1 + (uintptr_t)rand_r(seed) % (PAGES - start) };
}

/* Ordered, none empty, and no two that could be one. */
static void assert_same(const struct runs *runs, const char *expected)
{
	char drawn[PAGES + 1] = { 0 };
	const struct run *before = NULL;

	memset(drawn, none, PAGES);
	for (const struct run *run = runs_first(runs); run; run = runs_next(run)) {
		assert_true(run->pages.start < run->pages.end);
		if (before) {
			assert_true(before->pages.end <= run->pages.start);
			assert_true(before->pages.end < run->pages.start || before->mode != run->mode);
		}
		memset(drawn + run->pages.start, letters[run->mode], run->pages.end - run->pages.start);
		before = run;
	}
	assert_string_equal(drawn, expected);
}

static void changes_are_those_of_an_array(void **data)
{
	char expected[PAGES + 1] = { 0 };
	struct runs runs = { 0 };
	unsigned seed = 1;

	(void)data;
	memset(expected, none, PAGES);
	for (int step = 0; step < STEPS; step++) {
		struct address_range pages = some_pages(&seed);
		enum mode mode = (enum mode)(rand_r(&seed) % 4);
		char *first = expected + pages.start;
		size_t count = pages.end - pages.start;

		switch (rand_r(&seed) % 16) {
		case 0:
			runs_set_all(&runs, mode);
			for (int i = 0; i < PAGES; i++)
				expected[i] = expected[i] == none ? none : letters[mode];
			break;
		case 1:
			runs_drop(&runs);
			assert_int_equal(state.pool.used, 0);
			memset(expected, none, PAGES);
			break;
		case 2:
		case 3:
		case 4:
			assert_true(runs_forget(&runs, pages));
			memset(first, none, count);
			break;
		default:
			assert_true(runs_set(&runs, pages, mode));
			memset(first, letters[mode], count);
		}
		assert_same(&runs, expected);
	}
	runs_drop(&runs);
}

static void what_is_appended_goes_on_with_the_last(void **data)
{
	char expected[PAGES + 1] = "LLLL  FF. ";
	struct runs runs = { 0 };

	(void)data;
	memset(expected + 10, none, PAGES - 10);
	assert_true(runs_append(&runs, (struct address_range){ 0, 1 }, EAGER));
	assert_true(runs_append(&runs, (struct address_range){ 1, 4 }, EAGER));
	assert_true(runs_append(&runs, (struct address_range){ 6, 8 }, ON_FAULT));
	assert_true(runs_append(&runs, (struct address_range){ 8, 9 }, NOT_LOCKED));
	assert_same(&runs, expected);
	runs_drop(&runs);
}

static void without_room_nothing_changes(void **data)
{
	struct runs all = { 0 }, few = { 0 };
	uintptr_t count = 0;
	char expected[PAGES + 1] = "LLL";

	(void)data;
	memset(expected + 3, none, PAGES - 3);
	assert_true(runs_append(&few, (struct address_range){ 0, 3 }, EAGER));
	while (runs_append(&all, (struct address_range){ 2 * count, 2 * count + 1 }, EAGER))
		count++;
	assert_int_equal(count, RUNS - 2);
	assert_false(runs_set(&few, (struct address_range){ 1, 2 }, ON_FAULT));
	assert_false(runs_forget(&few, (struct address_range){ 1, 2 }));
	assert_same(&few, expected);
	runs_drop(&all);
	assert_true(runs_set(&few, (struct address_range){ 1, 2 }, ON_FAULT));
	expected[1] = 'F';
	assert_same(&few, expected);
	runs_drop(&few);
	assert_int_equal(state.pool.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_those_of_an_array),
		cmocka_unit_test(what_is_appended_goes_on_with_the_last),
		cmocka_unit_test(without_room_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
