/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "program/trace.h"

static void assert_text(const struct text *text, const char *expected)
{
	assert_int_equal(text->used, strlen(expected));
	assert_memory_equal(text->bytes, expected, text->used);
}

static void assert_strip(const char *strip, const char *expected)
{
	char buffer[64];
	struct trace trace = trace_in(buffer, sizeof(buffer));

	trace_strip(&trace, strip, strlen(strip));
	assert_text(&trace.text, expected);
}

static void runs_longer_than_4_are_shortened(void **state)
{
	(void)state;
	assert_strip("", "\"\"");
	assert_strip("....", "\"....\"");
	assert_strip(".....", "\".*5\"");
	assert_strip("..LLLLLLLLLLLL_____F", "\"..L*12_*5F\"");
	assert_strip("|----|", "\"|----|\"");
}

static void strings_are_escaped(void **state)
{
	char buffer[64];
	struct trace trace = trace_in(buffer, sizeof(buffer));

	(void)state;
	trace_string(&trace, "a\"b\\c\nd\x7f\xc3");
	assert_text(&trace.text, "\"a\\\"b\\\\c\\u000ad\\u007f\\u00c3\"");
}

static void numbers_are_written_to_their_limits(void **state)
{
	char buffer[128], expected[128];
	struct text text = text_in(buffer, sizeof(buffer));

	(void)state;
	snprintf(expected, sizeof(expected), "%ld %ld %lu %d %.*s%c", LONG_MIN, LONG_MAX, ULONG_MAX, 0, 2, "xyz", '!');
	text_format(&text, "%ld %ld %lu %d %.*s%c", LONG_MIN, LONG_MAX, ULONG_MAX, 0, 2, "xyz", '!');
	assert_text(&text, expected);
}

static void minus_one_is_null(void **state)
{
	char buffer[16];
	struct trace trace = trace_in(buffer, sizeof(buffer));

	(void)state;
	trace_number_or_null(&trace, -1);
	trace_number_or_null(&trace, 0);
	assert_text(&trace.text, "null0");
}

static void a_line_that_does_not_fit_is_left_out_whole(void **state)
{
	(void)state;
	for (size_t size = 0; size < 16; size++) {
		char buffer[16];
		struct trace trace = trace_in(buffer, size);

		text_format(&trace.text, "1234");
		assert_int_equal(trace_end_line(&trace), size >= 5);
		text_format(&trace.text, "56789");
		assert_int_equal(trace_end_line(&trace), size >= 11);
		assert_int_equal(trace.overflowed, size < 11);
		assert_int_equal(trace.complete, size >= 11 ? 11 : size >= 5 ? 5 : 0);
	}
}

static void a_shorter_line_may_follow_one_that_was_left_out(void **state)
{
	char buffer[8];
	struct trace trace = trace_in(buffer, sizeof(buffer));

	(void)state;
	text_format(&trace.text, "too long for it");
	assert_false(trace_end_line(&trace));
	text_format(&trace.text, "short");
	assert_true(trace_end_line(&trace));
	assert_true(trace.overflowed);
	assert_text(&trace.text, "short\n");
}

static void what_is_not_a_whole_line_yet_is_not_complete(void **state)
{
	char buffer[32];
	struct trace trace = trace_in(buffer, sizeof(buffer));

	(void)state;
	text_format(&trace.text, "whole");
	trace_end_line(&trace);
	text_format(&trace.text, "bro");
	assert_int_equal(trace.complete, 6);
}

static void a_string_is_cut_where_its_end_would_not_fit(void **state)
{
	char buffer[4];
	struct text text = text_in(buffer, sizeof(buffer));

	(void)state;
	text_format(&text, "abcdef");
	text_close(&text);
	assert_string_equal(buffer, "abc");
	assert_true(text.overflowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_longer_than_4_are_shortened),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(numbers_are_written_to_their_limits),
		cmocka_unit_test(minus_one_is_null),
		cmocka_unit_test(a_line_that_does_not_fit_is_left_out_whole),
		cmocka_unit_test(a_shorter_line_may_follow_one_that_was_left_out),
		cmocka_unit_test(what_is_not_a_whole_line_yet_is_not_complete),
		cmocka_unit_test(a_string_is_cut_where_its_end_would_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
