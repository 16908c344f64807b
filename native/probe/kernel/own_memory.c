/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/own_memory.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "kernel/smaps.h"

enum {
	READ_SIZE = 4096,
	STACK_LEFT = 32768, /* bytes below this function; where it is not enough, the stack grows */
};

/* The mapping that an address lies in. */
struct place {
	unsigned long address;
	unsigned long start; /* 0: not found */
};

static bool find(void *self, const struct smaps_mapping *mapping)
{
	struct place *place = self;

	if (place->address < mapping->start || place->address >= mapping->end)
		return true;
	place->start = mapping->start;
	return false;
}

/* fs/exec.c, setup_arg_pages(): it begins with 128 KiB more than is on it. */
static void trim_stack(void)
{
	char buffer[READ_SIZE];
	/* A sanitizer may keep `buffer` elsewhere. */
	struct place stack = { .address = (unsigned long)(uintptr_t)__builtin_frame_address(0) };
	struct smaps smaps = smaps_to(find, &stack);
	unsigned long page_size = (unsigned long)sysconf(_SC_PAGESIZE), end;

	end = (stack.address - STACK_LEFT) / page_size * page_size;
	if (smaps_read(&smaps, "/proc/self/maps", buffer, sizeof(buffer)) && stack.start && stack.start < end)
		munmap((void *)stack.start, end - stack.start);
}

void own_memory_trim(void)
{
	trim_stack();
#ifdef __GLIBC__
	malloc_trim(0); /* what it took to look for libraries, of which a static program has none */
#endif
}
