/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/process.h"
#include "kernel/progress.h"

enum { PAGES = 4 };

static struct progress progress;
static struct progress_reader reader;
static struct execution seen;
static char buffer[4096];

static int open_file(void **state)
{
	(void)state;
	reader.file = progress_open();
	reader.at = 0;
	return reader.file < 0;
}

static int close_file(void **state)
{
	(void)state;
	return close(reader.file);
}

static void expect_nothing_yet(size_t room)
{
	seen = (struct execution){ .trace = trace_in(buffer, room), .status = STATUS_DONE, .step = -1 };
}

static void tell(const char *line, int step)
{
	text_format(&progress.execution.trace.text, "%s", line);
	trace_end_line(&progress.execution.trace);
	progress.execution.step = step;
	progress.execution.publish(&progress.execution);
}

static void assert_seen(const char *lines, int step)
{
	assert_int_equal(seen.trace.complete, strlen(lines));
	assert_memory_equal(buffer, lines, strlen(lines));
	assert_int_equal(seen.step, step);
}

static void children_and_what_follows_them_tell_in_one_order(void *argument)
{
	long child;

	(void)argument;
	progress_start(&progress, reader.file, PAGES);
	tell("before", 0);
	child = process_fork();
	if (child == 0) {
		tell("of the child", 1);
		process_exit(0);
	}
	process_wait((pid_t)child);
	progress.execution.fault_reached = true;
	tell("behind it", 2);
	progress.execution.fault_reached = false; /* as in a new image */
	tell("after exec", 3);
}

static void what_processes_tell_is_known_when_they_are_gone(void **state)
{
	(void)state;
	for (int turn = 0; turn < 3; turn++) {
		expect_nothing_yet(sizeof(buffer));
		process_run(children_and_what_follows_them_tell_in_one_order, NULL, 10000);
		assert_true(progress_collect(&reader, &seen));
		assert_seen("before\nof the child\nbehind it\nafter exec\n", 3);
		assert_true(seen.fault_reached);
		assert_int_equal(seen.status, STATUS_DONE);
	}
}

static void tell_and_die(void *argument)
{
	(void)argument;
	progress_start(&progress, reader.file, PAGES);
	tell("one", 0);
	text_format(&progress.execution.trace.text, "half a li");
	raise(SIGKILL);
}

static void what_a_process_had_not_told_when_it_died_is_not_known(void **state)
{
	(void)state;
	expect_nothing_yet(sizeof(buffer));
	process_run(tell_and_die, NULL, 10000);
	assert_true(progress_collect(&reader, &seen));
	assert_seen("one\n", 0);
}

static void a_record_that_is_cut_off_counts_for_nothing(void **state)
{
	(void)state;
	progress_start(&progress, reader.file, PAGES);
	tell("one", 3);
	tell("two", 4);
	assert_int_equal(ftruncate(reader.file, lseek(reader.file, 0, SEEK_END) - 1), 0);
	expect_nothing_yet(sizeof(buffer));
	assert_true(progress_collect(&reader, &seen));
	assert_seen("one\n", 3);
	expect_nothing_yet(sizeof(buffer));
	tell("three", 5);
	assert_true(progress_collect(&reader, &seen));
	assert_seen("three\n", 5);
}

static void nothing_told_leaves_all_as_it_was(void **state)
{
	(void)state;
	expect_nothing_yet(sizeof(buffer));
	assert_true(progress_collect(&reader, &seen));
	assert_seen("", -1);
}

static void lines_from_the_first_that_does_not_fit_are_left_out(void **state)
{
	(void)state;
	progress_start(&progress, reader.file, PAGES);
	tell("12345", 0);
	tell("678", 1);
	tell("9", 2);
	expect_nothing_yet(9);
	assert_false(progress_collect(&reader, &seen));
	assert_seen("12345\n", 2);
	nothing_told_leaves_all_as_it_was(state);
}

static void more_than_can_be_read_at_once_is_too_much(void **state)
{
	enum { MANY_PAGES = 8192 };
	static char line[STRIP_COUNT * MANY_PAGES];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	progress_start(&progress, reader.file, MANY_PAGES);
	for (int i = 0; i < 20; i++)
		tell(line, i);
	expect_nothing_yet(sizeof(buffer));
	assert_false(progress_collect(&reader, &seen));
	nothing_told_leaves_all_as_it_was(state);
	tell("12345", 0);
	assert_true(progress_collect(&reader, &seen));
	assert_seen("12345\n", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_file, close_file)
		TEST(what_processes_tell_is_known_when_they_are_gone),
		TEST(what_a_process_had_not_told_when_it_died_is_not_known),
		TEST(a_record_that_is_cut_off_counts_for_nothing),
		TEST(nothing_told_leaves_all_as_it_was),
		TEST(lines_from_the_first_that_does_not_fit_are_left_out),
		TEST(more_than_can_be_read_at_once_is_too_much),
	};

	process_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
