/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"
#include "program/system.h"

static void assert_answer(char *answer, const char *expected)
{
	assert_non_null(answer);
	assert_string_equal(answer, expected);
	lockproof_model_free(answer);
}

static void a_program_is_answered_with_its_trace(void **state)
{
	static const char program[] = "program demo\narena 3\nregion a anonymous rw private\nmap a 0 2 0\n"
				      "lock 1 1 eager\ncall mlock 0p 3p\nend\n";

	(void)state;
	assert_answer(
		lockproof_model_run("posix", program, sizeof(program) - 1),
		"{\"before\":{\"locked\":{\"model\":\".L_\"},\"resident\":\".R_\",\"mappings\":\"||_\",\"accounted\":1,"
		"\"elsewhere\":{\"mapped\":12,\"locked\":0}}}\n"
		"{\"step\":0,\"result\":\"ENOMEM\",\"snapshot\":{\"locked\":{\"model\":\".L_\"},\"resident\":\".R_\","
		"\"mappings\":\"||_\",\"accounted\":1,\"elsewhere\":{\"mapped\":12,\"locked\":0}}}\n"
		"{\"execution\":0,\"status\":\"done\"}\n"
		"{\"end\":\"demo\"}\n");
}

/* The last call of an execution is another one in each order. */
static void calls_at_the_same_time_are_made_in_every_order(void **state)
{
	static const char program[] = "program orders\narena 2\nregion a anonymous rw private\nmap a 0 1 0\nthreads 1\n"
				      "call mlock 0p 2p\ncall mmap a 1 1 1\nexit\nend\n";
	char *answer = lockproof_model_run("posix", program, sizeof(program) - 1);
	const char *second = answer ? strstr(answer, "{\"execution\":0,\"status\":\"done\"}") : NULL;

	(void)state;
	assert_non_null(second);
	assert_non_null(
		strstr(answer, "\"results\":[[\"ENOMEM\"],[\"0\"]],\"snapshot\":{\"locked\":{\"model\":\"..\"}"));
	assert_non_null(strstr(second, "\"results\":[[\"0\"],[\"0\"]],\"snapshot\":{\"locked\":{\"model\":\"LL\"}"));
	assert_non_null(strstr(second, "{\"execution\":1,\"status\":\"done\"}\n{\"end\":\"orders\"}"));
	lockproof_model_free(answer);
}

static void the_longest_trace_is_whole(void **state)
{
	char program[MAX_PAGES], *answer;
	size_t length =
		(size_t)sprintf(program, "program long\narena 16384\nregion a anonymous rw private\nmap a 0 16384 0\n");

	(void)state;
	for (int step = 0; step < 250; step++)
		length += (size_t)sprintf(program + length, "call mlock %dp 1p\n", 2 * step);
	length += (size_t)sprintf(program + length, "end\n");
	assert_true(length < sizeof(program));
	answer = lockproof_model_run("posix", program, length);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "{\"execution\":0,\"status\":\"done\"}\n{\"end\":\"long\"}\n"));
	lockproof_model_free(answer);
}

static void an_unknown_model_has_no_answer(void **state)
{
	(void)state;
	assert_string_equal(lockproof_model_name(0), "posix");
	assert_string_equal(lockproof_model_name(1), "linux-2.6.16");
	assert_null(lockproof_model_name(8));
	assert_null(lockproof_model_hello("linux"));
	assert_null(lockproof_model_hello("plan9"));
	assert_null(lockproof_model_run("plan9", "", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_answered_with_its_trace),
		cmocka_unit_test(calls_at_the_same_time_are_made_in_every_order),
		cmocka_unit_test(the_longest_trace_is_whole),
		cmocka_unit_test(an_unknown_model_has_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
