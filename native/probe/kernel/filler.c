/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/filler.h"

#include <errno.h>

enum {
	MOST_MAPPINGS = 262144,
	SPARE_PAGES = 16,
};

static bool is_possible(const struct kernel *kernel)
{
	return kernel->max_map_count > 0 && kernel->max_map_count <= MOST_MAPPINGS;
}

size_t kernel_filler_size(const struct kernel *kernel)
{
	return is_possible(kernel) ? (size_t)(kernel->max_map_count + SPARE_PAGES) * kernel->page_size : 0;
}

static long refuse(struct kernel *kernel, long error, const char *explanation)
{
	kernel->explanation = explanation;
	return error;
}

static bool overlaps_arena(const struct kernel *kernel, unsigned long start, size_t length)
{
	unsigned long arena = kernel->arena - kernel->page_size;
	unsigned long arena_end = kernel->arena + (kernel->pages + 1) * kernel->page_size;

	return start < arena_end && arena < start + length;
}

static long protect(const struct kernel *kernel, unsigned long address, int protection)
{
	return mprotect((void *)address, kernel->page_size, protection) < 0 ? -errno : 0;
}

/*
 * Every other page becomes a mapping of its own, from the start, two mappings
 * a call. The call that fails may have made the first of its two.
 */
static long split_in_pairs(const struct kernel *kernel, unsigned long start, unsigned long end)
{
	size_t page_size = kernel->page_size;
	long result = 0;

	for (unsigned long page = start + page_size; page + 2 * page_size < end && !result; page += 2 * page_size)
		result = protect(kernel, page, PROT_READ);
	return result;
}

/* Each page becomes a mapping of its own, from the end, one mapping a call. */
static long split_singly(const struct kernel *kernel, unsigned long start, unsigned long end)
{
	static const int protections[] = { PROT_READ, PROT_READ | PROT_WRITE };
	size_t page_size = kernel->page_size;
	long result = 0;
	int turn = 0;

	for (unsigned long page = end - page_size; page > start && !result; page -= page_size)
		result = protect(kernel, page, protections[turn++ % 2]);
	return result;
}

/* Mapping counts are compared with the limit one by one, so that nothing fits once a single split does not. */
static long use_up_mappings(struct kernel *kernel, unsigned long start, size_t length)
{
	unsigned long spare = start + length - SPARE_PAGES * kernel->page_size;
	long result;

	result = split_in_pairs(kernel, start, spare);
	if (result == -ENOMEM)
		result = split_singly(kernel, spare, start + length);
	if (result == 0)
		return refuse(kernel, -EOPNOTSUPP, "vm.max_map_count is not enforced");
	return result == -ENOMEM ? 0 : result;
}

/* The second, fourth, sixth … page is a whole mapping. */
static long give_back(const struct kernel *kernel, unsigned long start, long slack)
{
	size_t page_size = kernel->page_size;

	for (long i = 0; i < slack; i++) {
		if (munmap((void *)(start + (2 * (unsigned long)i + 1) * page_size), page_size) < 0)
			return -errno;
	}
	return 0;
}

long kernel_limit_mappings(void *self, long slack)
{
	struct kernel *kernel = self;
	size_t length = kernel_filler_size(kernel);
	long start, result;

	if (kernel->max_map_count < 0)
		return refuse(kernel, -EOPNOTSUPP, "vm.max_map_count is not known");
	if (!is_possible(kernel))
		return refuse(kernel, -EOPNOTSUPP, "vm.max_map_count is above 262144");
	if (slack > kernel->max_map_count / 4)
		return refuse(kernel, -EINVAL, "the slack is too large for vm.max_map_count");
	start = kernel_mmap(0, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0,
			    kernel->page_size);
	if (kernel_is_error(start))
		return start;
	if (overlaps_arena(kernel, (unsigned long)start, length))
		return refuse(kernel, -EEXIST, "no room beside the arena");
	result = use_up_mappings(kernel, (unsigned long)start, length);
	return result < 0 ? result : give_back(kernel, (unsigned long)start, slack);
}
