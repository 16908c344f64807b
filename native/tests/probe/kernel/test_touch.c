/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/kernel.h"

enum { PAGES = 3 };

static struct kernel kernel;

static char *map(int protection, int file)
{
	int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	char *memory = mmap(NULL, PAGES * kernel.page_size, protection, flags, file, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

static void unmap(char *memory)
{
	munmap(memory, PAGES * kernel.page_size);
}

/* The signal that the access ends a process with, or 0. */
static int touch(const char *memory)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL); /* not what a sanitizer does */
		signal(SIGBUS, SIG_DFL);
		_exit(kernel_touch(&kernel, (unsigned long)memory, PAGES) ? 1 : 0);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	assert_int_equal(WEXITSTATUS(status), 0);
	return 0;
}

static void memory_comes_in_and_stays_as_it_is(void **state)
{
	char *memory = map(PROT_READ | PROT_WRITE, -1);
	unsigned char resident[PAGES] = { 0 };

	(void)state;
	memory[2 * kernel.page_size] = 'x';
	assert_int_equal(kernel_touch(&kernel, (unsigned long)memory, PAGES), 0);
	assert_int_equal(memory[2 * kernel.page_size], 'x');
	assert_int_equal(mincore(memory, PAGES * kernel.page_size, resident), 0);
	for (int page = 0; page < PAGES; page++)
		assert_int_equal(resident[page] & 1, 1);
	unmap(memory);
}

static void what_may_only_be_read_is_not_written(void **state)
{
	char *memory = map(PROT_READ, -1);

	(void)state;
	assert_int_equal(touch(memory), 0);
	mprotect(memory, kernel.page_size, PROT_READ | PROT_WRITE);
	assert_int_equal(touch(memory), 0);
	unmap(memory);
}

static void what_may_not_be_read_is_a_segmentation_fault(void **state)
{
	char *memory = map(PROT_READ | PROT_WRITE, -1);

	(void)state;
	mprotect(memory + kernel.page_size, kernel.page_size, PROT_NONE);
	assert_int_equal(touch(memory), SIGSEGV);
	munmap(memory + kernel.page_size, kernel.page_size);
	assert_int_equal(touch(memory), SIGSEGV);
	unmap(memory);
}

static void pages_behind_the_end_of_a_file_are_a_bus_error(void **state)
{
	char name[] = "/tmp/lockproof-test-XXXXXX";
	int file = mkstemp(name);
	char *memory;

	(void)state;
	assert_true(file >= 0 && unlink(name) == 0 && ftruncate(file, (off_t)kernel.page_size) == 0);
	memory = map(PROT_READ | PROT_WRITE, file);
	assert_int_equal(touch(memory), SIGBUS);
	unmap(memory);
	close(file);
}

static void page_faults_are_those_of_the_access(void **state)
{
	char *memory = map(PROT_READ | PROT_WRITE, -1);

	(void)state;
	kernel.observers.page_faults = true;
	kernel_touch(&kernel, (unsigned long)memory, PAGES);
	assert_true(kernel_page_faults(&kernel) > 0);
	kernel_touch(&kernel, (unsigned long)memory, PAGES);
	assert_int_equal(kernel_page_faults(&kernel), 0);
	kernel.observers.page_faults = false;
	assert_int_equal(kernel_page_faults(&kernel), -1);
	unmap(memory);
}

/* What was only read is the page of zeroes. */
static void a_page_that_has_to_be_copied_takes_a_page_fault(void **state)
{
	char *memory = map(PROT_READ, -1);

	(void)state;
	kernel.observers.page_faults = true;
	for (int page = 0; page < PAGES; page++)
		(void)*(volatile char *)(memory + (size_t)page * kernel.page_size);
	mprotect(memory, PAGES * kernel.page_size, PROT_READ | PROT_WRITE);
	kernel_touch(&kernel, (unsigned long)memory, PAGES);
	assert_int_equal(kernel_page_faults(&kernel), PAGES);
	unmap(memory);
}

static void what_a_signal_does_is_as_it_was(void **state)
{
	char *memory = map(PROT_READ, -1);
	struct sigaction before, after;

	(void)state;
	sigaction(SIGSEGV, NULL, &before);
	kernel_touch(&kernel, (unsigned long)memory, PAGES);
	sigaction(SIGSEGV, NULL, &after);
	assert_ptr_equal(before.sa_handler, after.sa_handler);
	unmap(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_comes_in_and_stays_as_it_is),
		cmocka_unit_test(what_may_only_be_read_is_not_written),
		cmocka_unit_test(what_may_not_be_read_is_a_segmentation_fault),
		cmocka_unit_test(pages_behind_the_end_of_a_file_are_a_bus_error),
		cmocka_unit_test(what_a_signal_does_is_as_it_was),
		cmocka_unit_test(page_faults_are_those_of_the_access),
		cmocka_unit_test(a_page_that_has_to_be_copied_takes_a_page_fault),
	};

	kernel.page_size = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
