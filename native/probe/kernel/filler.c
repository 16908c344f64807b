/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/filler.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "kernel/smaps.h"

enum {
	MOST_MAPPINGS = 262144,
	SPARE_PAGES = 16,
	GAP_PAGES = 2 * SPARE_PAGES, /* of the hole, beyond what is left for others */
	READ_SIZE = 4096,
};

static bool is_possible(const struct kernel *kernel)
{
	return kernel->max_map_count > 0 && kernel->max_map_count <= MOST_MAPPINGS;
}

size_t filler_size(const struct kernel *kernel)
{
	size_t pages = (size_t)kernel->max_map_count + GAP_PAGES + SPARE_PAGES;

	return is_possible(kernel) ? pages * kernel->page_size : 0;
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

	return kernel->pages && start < arena_end && arena < start + length;
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
static long use_up_mappings(struct kernel *kernel, struct part part)
{
	unsigned long spare = part.end - SPARE_PAGES * kernel->page_size;
	long result = split_in_pairs(kernel, part.start, spare);

	if (result == -ENOMEM)
		result = split_singly(kernel, spare, part.end);
	if (result == 0)
		return refuse(kernel, -EOPNOTSUPP, "vm.max_map_count is not enforced");
	return result == -ENOMEM ? 0 : result;
}

/* Pages from the start of the first part on, each of which is a whole mapping. */
static long give_back(struct kernel *kernel, size_t mappings)
{
	struct part *part = &kernel->filler.parts[0];
	size_t length = mappings * kernel->page_size;

	if (length && munmap((void *)part->start, length) < 0)
		return -errno;
	part->start += length;
	return 0;
}

static bool take_end(void *self, const struct smaps_mapping *mapping)
{
	if (!mapping->is_gate)
		*(unsigned long *)self = mapping->end;
	return true;
}

/* Where the mappings of this process end; 0: not known. */
static unsigned long end_of_all(void)
{
	unsigned long end = 0;
	struct smaps smaps = smaps_to(take_end, &end);
	char buffer[READ_SIZE];

	return smaps_read(&smaps, "/proc/self/maps", buffer, sizeof(buffer)) ? end : 0;
}

static long map_nothing(const struct kernel *kernel, unsigned long address, size_t length, int flags)
{
	return kernel_mmap(address, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0,
			   kernel->page_size);
}

/* There is room above all where the kernel has drawn the stack's place so; nothing else may be added above it then. */
long filler_build(struct kernel *kernel, size_t left)
{
	struct filler *filler = &kernel->filler;
	size_t length = filler_size(kernel), gap = GAP_PAGES * kernel->page_size;
	unsigned long end = end_of_all(), wanted = end ? end + gap : 0;
	long start = map_nothing(kernel, wanted, length, 0), result;

	if (kernel_is_error(start))
		return start;
	if (overlaps_arena(kernel, (unsigned long)start, length))
		return refuse(kernel, -EEXIST, "no room beside the arena");
	munmap((void *)start, gap);
	*filler = (struct filler){
		.above_all = wanted && (unsigned long)start == wanted,
		.hole = (unsigned long)start,
		.parts = { { (unsigned long)start + gap, (unsigned long)start + length } },
	};
	result = use_up_mappings(kernel, filler->parts[0]);
	return result < 0 ? result : give_back(kernel, left);
}

/* A page stays free between the parts, so that they do not become one. */
static long fill_hole(struct kernel *kernel)
{
	struct filler *filler = &kernel->filler;
	struct part part = { filler->hole, filler->parts[0].start - kernel->page_size };
	long start = map_nothing(kernel, part.start, part.end - part.start, MAP_FIXED);

	if (kernel_is_error(start))
		return start;
	filler->parts[1] = part;
	return use_up_mappings(kernel, part);
}

bool filler_is_untouched(const struct filler *filler)
{
	for (size_t i = 0; i < sizeof(filler->parts) / sizeof(filler->parts[0]); i++) {
		const struct part *part = &filler->parts[i];

		if (part->start < part->end &&
		    syscall(SYS_msync, part->start, part->end - part->start, MS_ASYNC | MS_INVALIDATE) < 0)
			return false;
	}
	return true;
}

size_t filler_bytes(const struct filler *filler)
{
	return filler->parts[0].end - filler->parts[0].start + filler->parts[1].end - filler->parts[1].start;
}

long kernel_limit_mappings(void *self, long slack)
{
	struct kernel *kernel = self;
	long result;

	if (kernel->max_map_count < 0)
		return refuse(kernel, -EOPNOTSUPP, "vm.max_map_count is not known");
	if (!is_possible(kernel))
		return refuse(kernel, -EOPNOTSUPP, "vm.max_map_count is above 262144");
	if (slack > kernel->max_map_count / 4)
		return refuse(kernel, -EINVAL, "the slack is too large for vm.max_map_count");
	result = filler_bytes(&kernel->filler) ? fill_hole(kernel) : filler_build(kernel, 0);
	return result < 0 ? result : give_back(kernel, (size_t)slack);
}
