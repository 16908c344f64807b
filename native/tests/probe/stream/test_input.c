/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stream/input.h"

static struct channel channel;
static struct input input;

/* Makes the text the whole input. It must fit into a pipe. */
static void start(const char *text, size_t length)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, length), length);
	close(ends[1]);
	channel = (struct channel){ .in = ends[0] };
	input_start(&input, &channel);
}

static void assert_next(enum input_kind kind, const char *text)
{
	assert_int_equal(input_next(&input), kind);
	assert_int_equal(input.used, strlen(text));
	assert_memory_equal(input.text, text, input.used);
}

static void assert_end(void)
{
	assert_int_equal(input_next(&input), INPUT_END);
	close(channel.in);
}

static void programs_and_stray_lines_are_told_apart(void **state)
{
	static const char text[] = "\n# comment\nprogram a\nx\n\nend\nstray\nprogramme\nend\nprogram\nend\n";

	(void)state;
	start(text, strlen(text));
	assert_next(INPUT_PROGRAM, "program a\nx\n\nend\n");
	assert_next(INPUT_STRAY, "stray\n");
	assert_next(INPUT_STRAY, "programme\n");
	assert_next(INPUT_STRAY, "end\n");
	assert_next(INPUT_PROGRAM, "program\nend\n");
	assert_end();
}

static void the_end_of_input_ends_a_program(void **state)
{
	(void)state;
	start("program a\nx", 11);
	assert_next(INPUT_PROGRAM, "program a\nx");
	assert_end();
	start("program a\nend", 13);
	assert_next(INPUT_PROGRAM, "program a\nend");
	assert_end();
}

static void only_a_line_of_its_own_is_the_end(void **state)
{
	static const char text[] = "program a\nend \n end\nending\nend\r\nend\n";

	(void)state;
	start(text, strlen(text));
	assert_next(INPUT_PROGRAM, text);
	assert_end();
}

static void of_a_program_that_is_too_long_the_rest_is_skipped(void **state)
{
	static char text[2 * MAX_TEXT];
	int ends[2];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "program a\n", 10);
	memcpy(text + sizeof(text) - 12, "\nend\nstray!\n", 12);
	assert_int_equal(pipe(ends), 0);
	if (fork() == 0)
		_exit(write(ends[1], text, sizeof(text)) == (ssize_t)sizeof(text) ? 0 : 1);
	close(ends[1]);
	channel = (struct channel){ .in = ends[0] };
	input_start(&input, &channel);
	assert_int_equal(input_next(&input), INPUT_PROGRAM);
	assert_int_equal(input.used, MAX_TEXT + 1);
	assert_next(INPUT_STRAY, "stray!\n");
	assert_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_and_stray_lines_are_told_apart),
		cmocka_unit_test(the_end_of_input_ends_a_program),
		cmocka_unit_test(only_a_line_of_its_own_is_the_end),
		cmocka_unit_test(of_a_program_that_is_too_long_the_rest_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
