/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "stream/record.h"

enum { ROOM = 256 };

static void test_the_sum_is_that_of_gzip_however_the_bytes_come(void **state)
{
	(void)state;
	assert_int_equal(record_sum(0, "", 0), 0);
	assert_int_equal(record_sum(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(record_sum(record_sum(0, "1234", 4), "56789", 5), 0xcbf43926);
	assert_int_equal(record_sum(0, "\xff\x00\x80", 3), 0xac616edf);
}

static void test_each_sum_in_a_file_is_of_all_lines_before_it(void **state)
{
	static const char expected[] = "{\"sum\":3421780262}\n{\"sum\":39356597}\n";
	int file = memfd_create("record", MFD_CLOEXEC);
	char bytes[ROOM] = "";
	struct record record;

	(void)state;
	record_start(&record, file);
	assert_true(record_lines(&record, file, "123456789", 9));
	assert_true(record_lines(&record, file, "ab", 2));
	assert_int_equal(pread(file, bytes, sizeof(bytes) - 1, 0), (int)strlen(expected));
	assert_string_equal(bytes, expected);
	close(file);
}

static void test_a_pipe_has_no_sums(void **state)
{
	struct record record;
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	record_start(&record, ends[1]);
	assert_true(record_lines(&record, ends[1], "ab", 2));
	assert_int_equal(read(ends[0], &byte, 1), -1);
	close(ends[0]);
	close(ends[1]);
}

static void test_a_file_that_takes_no_more_is_broken(void **state)
{
	int file = memfd_create("record", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct record record;

	(void)state;
	record_start(&record, file);
	assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
	assert_false(record_lines(&record, file, "ab", 2));
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_sum_is_that_of_gzip_however_the_bytes_come),
		cmocka_unit_test(test_each_sum_in_a_file_is_of_all_lines_before_it),
		cmocka_unit_test(test_a_pipe_has_no_sums),
		cmocka_unit_test(test_a_file_that_takes_no_more_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
