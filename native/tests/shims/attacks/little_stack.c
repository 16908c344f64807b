/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How much stack the calls need: on one of their own, as a handler has it, and
 * at the end of the locked one of the first thread, where it would have to
 * grow, and what it grows by would be locked.
 */
#include "attack.h"

enum { STACK = 65536, ENOUGH = 1024 };

static char *memory;
static char stack[STACK] __attribute__((aligned(64)));

static void make_calls(int number)
{
	(void)number;
	mlock(memory, PAGE);
	mlock(memory, 3 * PAGE);
	mlock2(memory, PAGE, MLOCK_ONFAULT);
	mlock(memory, 3 * PAGE);
	mlock(memory, 5 * PAGE);
	munlock(memory, 5 * PAGE);
	munlock(memory, PAGE);
	mlockall(MCL_FUTURE);
	mlockall(MCL_CURRENT | MCL_ONFAULT);
	mlockall(64);
	munlockall();
}

static void nothing(int number)
{
	(void)number;
}

/* Bytes that a handler has written to. */
static size_t used_by(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	size_t unused = 0;

	memset(stack, 0x5a, sizeof(stack));
	sigaltstack(&alternate, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	while (unused < sizeof(stack) && stack[unused] == 0x5a)
		unused++;
	return sizeof(stack) - unused;
}

static void find_stack(uintptr_t *start, unsigned long *locked)
{
	static char line[512];
	FILE *maps = fopen("/proc/self/maps", "r"), *status = fopen("/proc/self/status", "r");
	unsigned long from, to;

	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && (uintptr_t)line - from > to - from &&
		    (uintptr_t)__builtin_frame_address(0) - from < to - from)
			*start = from;
	}
	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmLck: %lu", locked);
	fclose(maps);
	fclose(status);
}

static uintptr_t bottom;

/* Goes down until as little is left as is promised to be enough. */
__attribute__((noinline)) static void call_at_the_bottom(void)
{
	volatile char filler[256];

	filler[0] = 1;
	if ((uintptr_t)__builtin_frame_address(0) - bottom > ENOUGH + sizeof(filler) + 128)
		call_at_the_bottom();
	else
		mlock(memory, 3 * PAGE);
	filler[1] = filler[0];
}

int main(void)
{
	uintptr_t grown = 0;
	unsigned long before = 0, after = 0;
	size_t used;

	memory = map(4);
	mprotect(memory + 2 * PAGE, PAGE, PROT_NONE);
	make_calls(0); /* the loader has found everything now */
	used = used_by(make_calls) - used_by(nothing);
	printf("        %zu bytes of stack\n", used);
	check("a small stack", "enough", used <= ENOUGH ? "enough" : "too small");

	mlockall(MCL_CURRENT);
	munlock(memory, 2 * PAGE);
	find_stack(&bottom, &before);
	call_at_the_bottom();
	find_stack(&grown, &after);
	check("the bottom of a locked stack", "where it was", grown == bottom ? "where it was" : "grown");
	check("what is locked", "the same", after == before ? "the same" : "other");
	return broken;
}
