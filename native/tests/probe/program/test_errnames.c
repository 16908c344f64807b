/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "program/errnames.h"

static void errors_have_the_names_that_the_c_library_has(void **state)
{
	char unknown[NAME_ROOM];

	(void)state;
	for (int error = 1; error < 200; error++) {
		const char *name = strerrorname_np(error);

		if (name)
			assert_string_equal(error_name(error, unknown), name);
	}
}

static void signals_have_the_names_that_the_c_library_has(void **state)
{
	char unknown[NAME_ROOM];

	(void)state;
	for (int signal = 1; signal < 32; signal++) {
		const char *name = sigabbrev_np(signal);

		assert_non_null(name);
		assert_memory_equal(signal_name(signal, unknown), "SIG", 3);
		if (signal != SIGIO) /* to which it also says POLL */
			assert_string_equal(signal_name(signal, unknown) + 3, name);
	}
}

static void unknown_numbers_are_shown(void **state)
{
	char unknown[NAME_ROOM];

	(void)state;
	assert_string_equal(error_name(524, unknown), "E?524");
	assert_string_equal(error_name(-2147483647, unknown), "E?-2147483647");
	assert_string_equal(signal_name(34, unknown), "SIG?34");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_the_names_that_the_c_library_has),
		cmocka_unit_test(signals_have_the_names_that_the_c_library_has),
		cmocka_unit_test(unknown_numbers_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
