/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/warm_up.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <unistd.h>

enum { STACK_OF_A_CALL = 8192 }; /* more than the wrappers of system calls use */

/* Between the segments of a program may be nothing that can be read. */
static int read_segments(struct dl_phdr_info *program, size_t size, void *page_size)
{
	(void)size;
	for (int i = 0; i < program->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
		const volatile char *start = (const volatile char *)(program->dlpi_addr + segment->p_vaddr);

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_R))
			continue;
		for (size_t at = 0; at < segment->p_memsz; at += *(size_t *)page_size)
			(void)start[at];
	}
	return 0;
}

void warm_up(void)
{
	volatile char stack[STACK_OF_A_CALL];
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);

	dl_iterate_phdr(read_segments, &page_size);
	for (size_t i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 0;
	errno = 0;
}
