/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/arena_strips.h"

#include <string.h>

static void fill(char *strip, size_t first, size_t count, char character)
{
	if (strip)
		memset(strip + first, character, count);
}

void arena_strips_start(struct arena_strips *strips)
{
	fill(strips->locked, 0, strips->pages, '_');
	fill(strips->mappings, 0, strips->pages, '_');
	strips->without_flags = false;
	strips->elsewhere_mapped = 0;
	strips->elsewhere_locked = 0;
}

static char lock_of(const struct smaps_mapping *mapping)
{
	return !mapping->locked ? '.' : mapping->on_fault ? 'F' : 'L';
}

/* What lies on the border of the arena counts inside only. */
bool arena_strips_take(void *self, const struct smaps_mapping *mapping)
{
	struct arena_strips *strips = self;
	unsigned long arena_end = strips->arena + (unsigned long)(strips->pages * strips->page_size);
	unsigned long start = mapping->start > strips->arena ? mapping->start : strips->arena;
	unsigned long end = mapping->end < arena_end ? mapping->end : arena_end;

	if (strips->limit && mapping->start >= strips->limit)
		return false;
	if (!mapping->has_flags && !mapping->of_kernel)
		strips->without_flags = true;
	if (start < end) {
		size_t first = (start - strips->arena) / strips->page_size, count = (end - start) / strips->page_size;

		fill(strips->locked, first, count, lock_of(mapping));
		fill(strips->mappings, first, count, '-');
		fill(strips->mappings, first, 1, '|');
	} else if (!mapping->of_kernel) {
		long pages = (long)((mapping->end - mapping->start) / strips->page_size);

		strips->elsewhere_mapped += pages;
		strips->elsewhere_locked += mapping->locked ? pages : 0;
	}
	return true;
}
