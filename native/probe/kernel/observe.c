/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/proc.h"
#include "kernel/smaps.h"

enum {
	READ_SIZE = 4096, /* the kernel does not give more of smaps at a time */
	PAGEMAP_ENTRIES = 512,
};

/* Reads a map file to its end; false: it could not be read. */
static bool read_maps(const char *path, struct smaps *smaps)
{
	char bytes[READ_SIZE];
	ssize_t count;
	int fd;

	smaps_start(smaps);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((count = read(fd, bytes, sizeof(bytes))) > 0)
		smaps_feed(smaps, bytes, (size_t)count);
	close(fd);
	return count == 0;
}

static void observe_maps(const struct kernel *kernel, unsigned long arena, struct snapshot *snapshot)
{
	const struct observers *observers = &kernel->observers;
	struct smaps smaps = {
		.arena = arena,
		.pages = snapshot->pages,
		.page_size = kernel->page_size,
		.locked = snapshot->smaps,
		.mappings = snapshot->mappings,
	};
	bool seen = read_maps(observers->smaps ? "/proc/self/smaps" : "/proc/self/maps", &smaps);

	snapshot->has_smaps = seen && observers->smaps_locks;
	snapshot->smaps_name = "smaps";
	snapshot->has_mappings = seen && observers->mappings;
	snapshot->elsewhere_mapped = seen && observers->elsewhere ? smaps.elsewhere_mapped : -1;
	snapshot->elsewhere_locked = seen && observers->elsewhere_locks ? smaps.elsewhere_locked : -1;
}

/* POSIX: msync with MS_INVALIDATE fails with EBUSY where a page is locked, with ENOMEM where none is mapped. */
static char msync_page(unsigned long address, size_t page_size)
{
	if (syscall(SYS_msync, address, page_size, MS_ASYNC | MS_INVALIDATE) == 0)
		return '.';
	if (errno == EBUSY)
		return 'L';
	return errno == ENOMEM ? '_' : '?';
}

static char mincore_page(unsigned long address, size_t page_size)
{
	unsigned char resident;

	if (syscall(SYS_mincore, address, page_size, &resident) == 0)
		return resident & 1 ? 'R' : '.';
	return errno == ENOMEM ? '_' : '?';
}

/*
 * Asks about each page that is mapped; false: of one of them nothing can be
 * said. A hole is asked about only where nothing else tells that it is one: to
 * gVisor's msync a hole is locked when the mapping after it is.
 */
static bool observe_pages(const struct kernel *kernel, unsigned long arena, char (*ask)(unsigned long, size_t),
			  const struct snapshot *snapshot, char *strip)
{
	for (size_t page = 0; page < snapshot->pages; page++) {
		if (snapshot->has_mappings && snapshot->mappings[page] == '_')
			strip[page] = '_';
		else
			strip[page] = ask(arena + (unsigned long)(page * kernel->page_size), kernel->page_size);
		if (strip[page] == '?')
			return false;
	}
	return true;
}

/* An entry says whether the page is present, in its highest bit, but not whether it is mapped. */
static bool observe_pagemap(const struct kernel *kernel, unsigned long arena, struct snapshot *snapshot)
{
	uint64_t entries[PAGEMAP_ENTRIES];
	size_t page = 0, count, bytes;
	bool seen = snapshot->has_mappings;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (; seen && page < snapshot->pages; page += count) {
		count = snapshot->pages - page < PAGEMAP_ENTRIES ? snapshot->pages - page : PAGEMAP_ENTRIES;
		bytes = count * sizeof(entries[0]);
		seen = pread(fd, entries, bytes, (off_t)((arena / kernel->page_size + page) * sizeof(entries[0]))) ==
		       (ssize_t)bytes;
		for (size_t i = 0; seen && i < count; i++)
			snapshot->resident[page + i] = snapshot->mappings[page + i] == '_' ? '_' :
						       entries[i] >> 63			   ? 'R' :
											     '.';
	}
	close(fd);
	return seen;
}

static bool observe_residency(const struct kernel *kernel, unsigned long arena, struct snapshot *snapshot)
{
	switch (kernel->observers.residency) {
	case RESIDENCY_MINCORE:
		return observe_pages(kernel, arena, mincore_page, snapshot, snapshot->resident);
	case RESIDENCY_PAGEMAP:
		return observe_pagemap(kernel, arena, snapshot);
	case RESIDENCY_NONE:
		break;
	}
	return false;
}

static long locked_pages(const struct kernel *kernel)
{
	long kib = proc_number("/proc/self/status", "VmLck:");

	return kib < 0 ? -1 : kib / (long)(kernel->page_size / 1024);
}

void kernel_observe(void *self, unsigned long arena, struct snapshot *snapshot)
{
	const struct kernel *kernel = self;

	observe_maps(kernel, arena, snapshot);
	snapshot->has_msync =
		kernel->observers.msync && observe_pages(kernel, arena, msync_page, snapshot, snapshot->msync);
	snapshot->has_resident = observe_residency(kernel, arena, snapshot);
	snapshot->accounted = kernel->observers.accounting ? locked_pages(kernel) : -1;
}

/* What may be written is asked first: a page that may not even be read must end in SIGSEGV, not in a guess. */
long kernel_touch(void *self, unsigned long address, size_t pages)
{
	const struct kernel *kernel = self;
	char writable[MAX_PAGES];
	struct smaps smaps = { .arena = address, .pages = pages, .page_size = kernel->page_size, .writable = writable };

	if (!read_maps("/proc/self/maps", &smaps))
		return -ENOENT;
	for (size_t page = 0; page < pages; page++) {
		volatile char *byte = (volatile char *)(address + (unsigned long)(page * kernel->page_size));
		char value = *byte;

		if (writable[page] == 'w')
			*byte = value;
	}
	return 0;
}
