/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/proc.h"

enum { MANY = 3000 };

/* A file with as many lines before the last one as are asked for. */
static long number_in(int lines, const char *last, const char *key)
{
	char path[] = "/tmp/lockproof-test-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	long number;

	assert_non_null(file);
	for (int i = 0; i < lines; i++)
		fprintf(file, "line_%d %d\n", i, i * 2);
	fputs(last, file);
	fclose(file);
	number = proc_number(path, key);
	unlink(path);
	return number;
}

static void test_the_number_after_the_key_at_the_beginning_of_a_line_is_found(void **state)
{
	(void)state;
	assert_int_equal(number_in(0, "Mlocked:       12 kB\n", "Mlocked:"), 12);
	assert_int_equal(number_in(3, "xVmLck: 1\nVmLck:\t7 kB\n", "VmLck:"), 7);
	assert_int_equal(number_in(0, "42\n", ""), 42);
	assert_int_equal(number_in(0, "Mlocked: 18446744073709551608 kB\n", "Mlocked:"), -8);
}

static void test_each_line_of_a_file_longer_than_the_buffer_is_found(void **state)
{
	(void)state;
	assert_int_equal(number_in(MANY, "", "line_0 "), 0);
	for (int i = 1; i < MANY; i += 97) {
		char key[32];

		snprintf(key, sizeof(key), "line_%d ", i);
		assert_int_equal(number_in(MANY, "", key), i * 2);
	}
	assert_int_equal(number_in(MANY, "last 5\n", "last "), 5);
}

static void test_a_line_longer_than_the_buffer_hides_nothing_behind_it(void **state)
{
	char *line = malloc(10002);

	(void)state;
	memset(line, 'x', 10000);
	strcpy(line + 10000, "\n");
	line = realloc(line, 10100);
	strcat(line, "oom_kill 3\n");
	assert_int_equal(number_in(2, line, "oom_kill "), 3);
	free(line);
}

static void test_what_is_not_there_is_minus_one(void **state)
{
	(void)state;
	assert_int_equal(number_in(5, "VmLck: none\n", "VmLck:"), -1);
	assert_int_equal(number_in(5, "", "VmLck:"), -1);
	assert_int_equal(number_in(0, "VmLck: 3", "VmLck:"), -1);
	assert_int_equal(proc_number("/nowhere", ""), -1);
}

static void test_a_text_is_written_and_a_number_read_from_a_file_that_is_open(void **state)
{
	char path[] = "/tmp/lockproof-test-XXXXXX";
	int made = mkstemp(path), file;

	(void)state;
	assert_int_equal(proc_number_at(made), -1);
	assert_int_equal(proc_write(path, " 12\n"), 0);
	assert_int_equal(proc_number_at(made), 12);
	assert_int_equal(proc_write_in("/tmp", path + strlen("/tmp/"), "9223372036854775807"), 0);
	assert_int_equal(proc_number_at(made), 9223372036854775807);
	file = proc_open_in("/tmp", path + strlen("/tmp/"), O_RDONLY);
	assert_int_equal(proc_number_at(file), 9223372036854775807);
	assert_int_equal(fcntl(file, F_GETFD), FD_CLOEXEC);
	close(file);
	close(made);
	unlink(path);
	assert_int_equal(proc_write(path, "1"), -ENOENT);
	assert_int_equal(proc_write_in("/nowhere", "x", "1"), -ENOENT);
	assert_int_equal(proc_write("/dev/full", "1"), -ENOSPC);
	assert_int_equal(proc_number_at(-1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_number_after_the_key_at_the_beginning_of_a_line_is_found),
		cmocka_unit_test(test_each_line_of_a_file_longer_than_the_buffer_is_found),
		cmocka_unit_test(test_a_line_longer_than_the_buffer_hides_nothing_behind_it),
		cmocka_unit_test(test_what_is_not_there_is_minus_one),
		cmocka_unit_test(test_a_text_is_written_and_a_number_read_from_a_file_that_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
