/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whatever /proc and msync say, what libposixmlock.so sees of the locks is
 * pages of the range, in their order. Five bytes say how the kernel answers;
 * then come its mappings, two bytes for each: how far it lies behind the last
 * one, how long it is, and what is told of it. Text as no kernel writes it is
 * what fuzz_smaps is about.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "inner_calls.h"
#include "posixmlock/state.h"

enum { FIRST = 0x10000, PAGE = 4096, MOST_PAGES = 64, HEAD = 5, A_FILE = 1000, TEXT = 32768, LINES = 128 };

static struct {
	const uint8_t *at, *mappings, *end;
	char text[TEXT]; /* of the mappings */
	size_t written, read;
	unsigned asked; /* of msync */
	uint8_t said;
	uint8_t piece; /* bytes that a read gives */
	bool opens, tells_mappings;
} kernel;

static struct {
	struct address_range range;
	uintptr_t seen;
} taken;

static void require(bool condition)
{
	if (!condition)
		abort();
}

static int say(void *address, size_t length, int flags)
{
	static const int answers[] = { 0, EBUSY, ENOMEM, 0, EBUSY, 0, EINVAL, EBUSY };

	(void)address;
	(void)flags;
	require(length > 0);
	errno = answers[(kernel.said + kernel.asked++ * (1 + kernel.said / 8)) % 8];
	return errno ? -1 : 0;
}

struct inner_calls inner = { .msync = say };

/* A mapping of the bytes at hand, behind an address. */
static struct address_range next_mapping(uintptr_t address)
{
	uintptr_t start = address + (uintptr_t)(kernel.at[0] % 4) * PAGE;

	return (struct address_range){ start, start + (1 + (uintptr_t)kernel.at[1] % 8) * PAGE };
}

static void open_file(void)
{
	static const char *const flags[] = { "", "VmFlags: rd\n", "VmFlags: rd lo\n", "VmFlags: rd lo lf\n" };
	static const char *const names[] = { "", "[stack]", "[vdso]", "[vsyscall]" };
	uintptr_t address = FIRST;

	kernel.written = kernel.read = 0;
	for (kernel.at = kernel.mappings; kernel.end - kernel.at >= 2; kernel.at += 2) {
		struct address_range mapping = next_mapping(address);

		if (kernel.written + LINES > sizeof(kernel.text))
			break;
		kernel.written += (size_t)snprintf(kernel.text + kernel.written, LINES,
						   "%08lx-%08lx rw-p 00000000 00:00 0    %s\nSize: 4 kB\n%s",
						   (unsigned long)mapping.start, (unsigned long)mapping.end,
						   names[kernel.at[1] >> 6], flags[kernel.at[0] >> 6]);
		address = mapping.end;
	}
	kernel.at = kernel.mappings;
}

static long read_piece(char *buffer, size_t size)
{
	size_t left = kernel.written - kernel.read, count = 1 + kernel.piece;

	count = count < size ? count : size;
	count = count < left ? count : left;
	memcpy(buffer, kernel.text + kernel.read, count);
	kernel.read += count;
	return (long)count;
}

/* The mapping that has the address, or the next one. */
static long tell_mapping(struct mapping_query *query)
{
	struct address_range mapping;

	if (!kernel.tells_mappings || kernel.end - kernel.at < 2) {
		errno = kernel.tells_mappings ? ENOENT : ENOTTY;
		return -1;
	}
	mapping = next_mapping((uintptr_t)query->address / PAGE * PAGE);
	query->start = mapping.start;
	query->end = mapping.end;
	kernel.at += 2;
	return 0;
}

/* In the place of the libc's. */
long syscall(long number, ...)
{
	long given[3];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 3; i++)
		given[i] = va_arg(list, long);
	va_end(list);
	switch (number) {
	case SYS_openat:
		open_file();
		errno = EMFILE;
		return kernel.opens ? A_FILE : -1;
	case SYS_close:
		return 0;
	case SYS_lseek:
		require(given[0] == A_FILE && given[1] == 0 && given[2] == SEEK_SET);
		kernel.read = 0;
		return 0;
	case SYS_read:
		require(given[0] == A_FILE);
		return read_piece((char *)given[1], (size_t)given[2]);
	case SYS_ioctl:
		return tell_mapping((struct mapping_query *)given[2]);
	}
	abort();
}

static void take(void *self, struct address_range pages, enum mode mode)
{
	(void)self;
	(void)mode;
	require(pages.start < pages.end);
	require(pages.start >= taken.seen && pages.end <= taken.range.end);
	taken.seen = pages.end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address_range range = { .start = FIRST };

	if (size < HEAD)
		return -1;
	range.start += (uintptr_t)(data[0] % 16) * PAGE;
	range.end = range.start + (1 + (uintptr_t)data[1] % MOST_PAGES) * PAGE;
	kernel.at = kernel.mappings = data + HEAD;
	kernel.end = data + size;
	kernel.asked = 0;
	kernel.said = data[2];
	kernel.piece = data[3];
	kernel.opens = data[4] & 1;
	kernel.tells_mappings = data[4] & 2;
	taken.range = range;
	taken.seen = range.start;
	observe_locks(range, data[4] & 4 ? BY_SMAPS : BY_MSYNC, take, NULL);
	return 0;
}
