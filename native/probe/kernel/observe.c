/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kernel/arena_strips.h"
#include "kernel/page_observers.h"
#include "kernel/proc.h"

enum {
	READ_SIZE = 4096, /* the kernel does not give more of smaps at a time */
	PAGEMAP_ENTRIES = 512,
};

/* Reads smaps, or maps where there is no smaps; false: it could not be read. */
static bool read_maps(struct kernel *kernel, struct arena_strips *strips)
{
	struct smaps smaps = smaps_to(arena_strips_take, strips);
	char buffer[READ_SIZE];

	arena_strips_start(strips);
	if (!kernel->observers.smaps)
		return smaps_read(&smaps, "/proc/self/maps", buffer, sizeof(buffer));
	if (kernel->smaps_file < 0)
		kernel->smaps_file = smaps_open("/proc/self/smaps");
	return smaps_read_from(&smaps, kernel->smaps_file, buffer, sizeof(buffer));
}

/* Tens of thousands of mappings that only fill the process up are read where they are not as they were made. */
static void observe_maps(struct kernel *kernel, unsigned long arena, struct snapshot *snapshot)
{
	const struct observers *observers = &kernel->observers;
	struct arena_strips strips = {
		.arena = arena,
		.pages = snapshot->pages,
		.page_size = kernel->page_size,
		.locked = snapshot->smaps,
		.mappings = snapshot->mappings,
	};
	bool seen, tells_locks;

	if (kernel->filler.above_all && filler_is_untouched(&kernel->filler))
		strips.limit = kernel->filler.hole;
	seen = read_maps(kernel, &strips);
	if (strips.limit)
		strips.elsewhere_mapped += (long)(filler_bytes(&kernel->filler) / kernel->page_size);
	tells_locks = seen && !strips.without_flags;

	snapshot->has_smaps = tells_locks && observers->smaps_locks;
	snapshot->smaps_name = "smaps";
	snapshot->has_mappings = seen && observers->mappings;
	snapshot->elsewhere_mapped = seen && observers->elsewhere ? strips.elsewhere_mapped : -1;
	snapshot->elsewhere_locked = tells_locks && observers->elsewhere_locks ? strips.elsewhere_locked : -1;
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
		return page_observer_mincore(kernel->page_size, arena, snapshot);
	case RESIDENCY_PAGEMAP:
		return observe_pagemap(kernel, arena, snapshot);
	case RESIDENCY_NONE:
		break;
	}
	return false;
}

static long locked_pages(struct kernel *kernel)
{
	long kib;

	if (kernel->status_file < 0)
		kernel->status_file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	kib = proc_number_in(kernel->status_file, "VmLck:");
	return kib < 0 ? -1 : kib / (long)(kernel->page_size / 1024);
}

void kernel_observe_anew(struct kernel *kernel)
{
	if (kernel->smaps_file >= 0)
		close(kernel->smaps_file);
	if (kernel->status_file >= 0)
		close(kernel->status_file);
	kernel->smaps_file = kernel->status_file = -1;
}

/* Elsewhere than in a guest there may be hardly one to be had. */
static void spare_descriptors(struct kernel *kernel)
{
	if (!kernel->alone)
		kernel_observe_anew(kernel);
}

void kernel_observe(void *self, unsigned long arena, struct snapshot *snapshot)
{
	struct kernel *kernel = self;

	observe_maps(kernel, arena, snapshot);
	spare_descriptors(kernel);
	snapshot->has_msync = kernel->observers.msync && page_observer_msync(kernel->page_size, arena, snapshot);
	snapshot->has_resident = observe_residency(kernel, arena, snapshot);
	snapshot->accounted = kernel->observers.accounting ? locked_pages(kernel) : -1;
	spare_descriptors(kernel);
}
