/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inner_calls.h"
#include "kernel/smaps.h"

enum { CHUNK = 1024 };

size_t page_size(void)
{
	static size_t size;

	if (!size)
		size = getauxval(AT_PAGESZ);
	return size;
}

int ask_msync(uintptr_t start, uintptr_t end)
{
	return inner.msync((void *)start, end - start, MS_ASYNC | MS_INVALIDATE) == 0 ? 0 : errno;
}

static size_t count_pages(struct address_range pages)
{
	return (pages.end - pages.start) / page_size();
}

static bool has_hole(struct address_range pages)
{
	return inner.msync((void *)pages.start, pages.end - pages.start, MS_ASYNC) < 0 && errno == ENOMEM;
}

static struct address_range first_half(struct address_range range)
{
	return (struct address_range){ range.start, range.start + count_pages(range) / 2 * page_size() };
}

/* The kernel may have no msync, or a filter of system calls another answer. */
static bool is_believable(void)
{
	struct address_range mapped = { (uintptr_t)&mapped - (uintptr_t)&mapped % page_size(), 0 };

	mapped.end = mapped.start + page_size();
	return !has_hole(mapped);
}

struct address_range find_hole(struct address_range range)
{
	if (!has_hole(range))
		return (struct address_range){ 0, 0 };
	while (count_pages(range) > 1) {
		struct address_range half = first_half(range);

		if (has_hole(half))
			range.end = half.end;
		else
			range.start = half.end;
	}
	return has_hole(range) && is_believable() ? range : (struct address_range){ 0, 0 };
}

/* Open, read and close of a libc are cancellation points, and others may stand in front of them. */
static int open_file(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

static void close_file(int file)
{
	syscall(SYS_close, file);
}

/* False: no room. */
static bool add(struct runs *runs, struct address_range range, uintptr_t start, uintptr_t end, enum mode mode)
{
	struct run *last = runs->count ? &runs->at[runs->count - 1] : NULL;

	start = start > range.start ? start : range.start;
	end = end < range.end ? end : range.end;
	if (start >= end || mode == NOT_LOCKED)
		return true;
	if (last && last->end == start && last->mode == mode) {
		last->end = end;
		return true;
	}
	if (runs->count == runs->room)
		return false;
	runs->at[runs->count++] = (struct run){ start, end, mode };
	return true;
}

struct search {
	struct address_range range;
	struct runs *runs;
	uintptr_t *upto;
	enum known known;
	bool has_mapping;
};

/* A mapping without flags is one of a kernel that does not tell. */
static bool take(void *self, const struct smaps_mapping *mapping)
{
	struct search *search = self;
	enum mode mode = !mapping->locked ? NOT_LOCKED : mapping->on_fault ? ON_FAULT : EAGER;

	search->has_mapping = true;
	if (mapping->start >= search->range.end)
		return false;
	if (!mapping->has_flags) {
		search->known = NOTHING_KNOWN;
	} else if (!add(search->runs, search->range, mapping->start, mapping->end, mode)) {
		*search->upto = mapping->start > search->range.start ? mapping->start : search->range.start;
		search->known = PART_KNOWN;
	}
	return search->known == ALL_KNOWN;
}

static enum known find_in_smaps(struct address_range range, struct runs *runs, uintptr_t *upto)
{
	struct search search = { range, runs, upto, ALL_KNOWN, false };
	struct smaps smaps = smaps_to(take, &search);
	char buffer[CHUNK];

	if (!smaps_read(&smaps, "/proc/thread-self/smaps", buffer, sizeof(buffer)))
		return NOTHING_KNOWN;
	return search.has_mapping ? search.known : NOTHING_KNOWN; /* a process that runs has one */
}

/* PROCMAP_QUERY of /proc/PID/maps, and what it takes and gives (Linux, Documentation/filesystems/proc.rst). */
struct mapping_query {
	uint64_t size, flags, address;
	uint64_t start, end;
	uint64_t vma_flags, page_size, offset, inode;
	uint32_t device[2];
	uint32_t name_size, build_id_size;
	uint64_t name, build_id;
};

#define MAPPING_QUERY _IOWR('f', 17, struct mapping_query)

enum { OR_THE_NEXT = 0x10 };

/* The mapping at an address or the first one above it; a page where the kernel does not tell. */
static struct address_range piece_at(int *maps, uintptr_t address, uintptr_t end)
{
	struct mapping_query query = { .size = sizeof(query), .flags = OR_THE_NEXT, .address = address };
	struct address_range piece = { address, address + page_size() };

	if (*maps < 0)
		return piece;
	if (syscall(SYS_ioctl, *maps, MAPPING_QUERY, &query) == 0) {
		piece.start = query.start > address ? (uintptr_t)query.start : address;
		piece.end = query.end < end ? (uintptr_t)query.end : end;
	} else if (errno == ENOENT) {
		piece = (struct address_range){ end, end };
	} else {
		close_file(*maps);
		*maps = -1;
	}
	return piece;
}

/* ENOMEM says that a page is not mapped. Where there is a better observer it is not taken at its word. */
static enum known find_by_msync(struct address_range range, bool trusting, struct runs *runs, uintptr_t *upto)
{
	int maps = (range.end - range.start) / page_size() > FEW_PAGES ? open_file("/proc/thread-self/maps") : -1;
	enum known known = ALL_KNOWN;
	struct address_range piece = { range.start, range.start };

	while (known == ALL_KNOWN) {
		int said;

		piece = piece_at(&maps, piece.end, range.end);
		if (piece.start >= range.end)
			break;
		said = ask_msync(piece.start, piece.end);
		if (said == EBUSY) {
			if (!add(runs, range, piece.start, piece.end, EAGER)) {
				*upto = piece.start;
				known = PART_KNOWN;
			}
		} else if (said != 0 && !(said == ENOMEM && trusting)) {
			known = NOTHING_KNOWN;
		}
		if (piece.end >= range.end)
			break;
	}
	if (maps >= 0)
		close_file(maps);
	return known;
}

enum known find_locks(struct address_range range, enum observer first, struct runs *runs, uintptr_t *upto)
{
	bool everywhere = range.end - range.start > UINTPTR_MAX / 2;
	size_t count = runs->count;
	enum known known = NOTHING_KNOWN;

	if (first == BY_MSYNC && !everywhere)
		known = find_by_msync(range, false, runs, upto);
	if (known == NOTHING_KNOWN) {
		runs->count = count;
		known = find_in_smaps(range, runs, upto);
	}
	if (known == NOTHING_KNOWN && first == BY_SMAPS && !everywhere) {
		runs->count = count;
		known = find_by_msync(range, true, runs, upto);
	}
	return known;
}
