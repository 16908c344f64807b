/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/kernel.h"

#include <setjmp.h>
#include <signal.h>

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

/*
 * Reads first: reading what may not be read ends the process. The handler has a
 * stack of its own, as that of the process may have no room for it.
 */
long kernel_touch(void *self, unsigned long address, size_t pages)
{
	static char stack[HANDLER_STACK] __attribute__((aligned(16)));
	const struct sigaction skip = { .sa_handler = skip_write, .sa_flags = SA_ONSTACK | SA_NODEFER };
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct kernel *kernel = self;
	struct sigaction as_it_was;
	volatile char *memory = (volatile char *)address;

	sigaltstack(&alternate, NULL);
	for (size_t page = 0; page < pages; page++)
		(void)memory[page * kernel->page_size];
	sigaction(SIGSEGV, &skip, &as_it_was);
	for (size_t page = 0; page < pages; page++)
		write_where_possible(&memory[page * kernel->page_size]);
	sigaction(SIGSEGV, &as_it_was, NULL);
	return 0;
}
