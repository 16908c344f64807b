/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/kernel.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>

enum { HANDLER_STACK = 16384 }; /* more than a kernel saves of any processor for a handler */

static sigjmp_buf not_writable;

static void skip_write(int signal)
{
	(void)signal;
	siglongjmp(not_writable, 1);
}

/* What can be read and gives SIGSEGV when it is written may not be written. */
static void write_where_possible(volatile char *byte)
{
	if (sigsetjmp(not_writable, false) == 0)
		*byte = *byte;
}

/* Reads first: reading what may not be read ends the process. */
static void read_and_write(unsigned long address, size_t pages, size_t page_size)
{
	const struct sigaction skip = { .sa_handler = skip_write, .sa_flags = SA_ONSTACK | SA_NODEFER };
	volatile char *memory = (volatile char *)address;
	struct sigaction as_it_was;

	for (size_t page = 0; page < pages; page++)
		(void)memory[page * page_size];
	sigaction(SIGSEGV, &skip, &as_it_was);
	for (size_t page = 0; page < pages; page++)
		write_where_possible(&memory[page * page_size]);
	sigaction(SIGSEGV, &as_it_was, NULL);
}

static long faults_so_far(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/*
 * The handler has a stack of its own, as that of the process may have no room
 * for it. It is accessed first in the same way, so that what that takes itself is
 * there when page faults are counted.
 */
long kernel_touch(void *self, unsigned long address, size_t pages)
{
	static char stack[HANDLER_STACK] __attribute__((aligned(HANDLER_STACK)));
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct kernel *kernel = self;
	size_t page_size = kernel->page_size;
	long before;

	sigaltstack(&alternate, NULL);
	read_and_write((unsigned long)stack, (sizeof(stack) + page_size - 1) / page_size, page_size);
	faults_so_far();
	before = faults_so_far();
	read_and_write(address, pages, page_size);
	kernel->touch_faults = faults_so_far() - before;
	return 0;
}

long kernel_page_faults(void *self)
{
	const struct kernel *kernel = self;

	return kernel->observers.page_faults ? kernel->touch_faults : -1;
}
