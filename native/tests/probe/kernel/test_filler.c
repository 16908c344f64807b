/* SPDX-License-Identifier: Apache-2.0 */

/* The running kernel's limit on mappings, in processes that are filled up to it. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/kernel.h"
#include "kernel/process.h"

enum { LONG = 60000, LEFT = 300, PAGES = 2 * LEFT };

static struct kernel kernel;

/* In a child nothing can be asserted: its exit code is the line that was wrong. */
static void require_at(bool condition, int line)
{
	if (!condition)
		process_exit(line % 255 + 1);
}

#define require(condition) require_at(condition, __LINE__)

static void run(void (*body)(void *argument))
{
	struct ending ending;

	if (filler_size(&kernel) == 0)
		skip();
	ending = process_run(body, NULL, LONG);
	assert_false(ending.error || ending.hung);
	assert_true(WIFEXITED(ending.status));
	assert_int_equal(WEXITSTATUS(ending.status), 0);
}

/* Mappings that can still be made, up to PAGES / 2: each page that is split off is one. */
static int mappings_left(char *memory)
{
	int made = 0;

	while (made < PAGES / 2 && mprotect(memory + (size_t)(2 * made) * kernel.page_size, kernel.page_size,
					    made % 2 ? PROT_READ : PROT_NONE) == 0)
		made++;
	return made;
}

/* What is split in the middle becomes two more. */
static char *map_memory(void)
{
	char *memory = mmap(NULL, PAGES * kernel.page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(memory != MAP_FAILED);
	return memory;
}

static void use_up_all(void *argument)
{
	char *memory = map_memory();

	(void)argument;
	require(kernel_limit_mappings(&kernel, 0) == 0);
	require(mappings_left(memory) == 0 && errno == ENOMEM);
	require(filler_is_untouched(&kernel.filler));
}

static void without_slack_nothing_can_be_split(void **state)
{
	(void)state;
	run(use_up_all);
}

/* The first split, at the start of a mapping, adds one mapping, and each after it two. */
static void leave_some(void *argument)
{
	char *memory = map_memory();

	(void)argument;
	require(kernel_limit_mappings(&kernel, 5) == 0);
	require(mappings_left(memory) == 3 && errno == ENOMEM);
	require(filler_is_untouched(&kernel.filler));
}

static void slack_is_counted_in_mappings(void **state)
{
	(void)state;
	run(leave_some);
}

static void fill_in_two_steps(void *argument)
{
	char *memory = map_memory(), *more;

	(void)argument;
	require(filler_build(&kernel, LEFT) == 0);
	more = map_memory();
	require(mprotect(more, PAGES * kernel.page_size, PROT_READ) == 0);
	require(kernel_limit_mappings(&kernel, 1) == 0);
	require(mappings_left(memory) == 1 && errno == ENOMEM);
	require(filler_is_untouched(&kernel.filler));
}

static void what_was_left_for_others_is_used_up_as_well(void **state)
{
	(void)state;
	run(fill_in_two_steps);
}

static void is_mapped_throughout(struct part part)
{
	require(part.start == part.end ||
		syscall(SYS_msync, part.start, part.end - part.start, MS_ASYNC | MS_INVALIDATE) == 0);
}

static void touch_filler(void *argument)
{
	struct filler *filler = &kernel.filler;
	unsigned long last;

	(void)argument;
	require(filler_build(&kernel, LEFT) == 0 && kernel_limit_mappings(&kernel, 1) == 0);
	require(filler->parts[1].start < filler->parts[1].end && filler->parts[1].end < filler->parts[0].start);
	require(filler->hole <= filler->parts[1].start);
	is_mapped_throughout(filler->parts[0]);
	is_mapped_throughout(filler->parts[1]);
	last = filler->parts[0].end - kernel.page_size;
	require(syscall(SYS_mlock, last, kernel.page_size) == 0 || errno == ENOMEM); /* it may be PROT_NONE */
	require(!filler_is_untouched(filler));
	require(syscall(SYS_munlock, last, kernel.page_size) == 0 && filler_is_untouched(filler));
	require(munmap((void *)filler->parts[1].start, kernel.page_size) == 0 && !filler_is_untouched(filler));
}

static void a_lock_or_a_hole_in_it_is_noticed(void **state)
{
	(void)state;
	run(touch_filler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_slack_nothing_can_be_split),
		cmocka_unit_test(slack_is_counted_in_mappings),
		cmocka_unit_test(what_was_left_for_others_is_used_up_as_well),
		cmocka_unit_test(a_lock_or_a_hole_in_it_is_noticed),
	};

	process_prepare();
	kernel_start(&kernel, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
