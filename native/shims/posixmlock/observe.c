/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "observe.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inner_calls.h"
#include "kernel/smaps.h"
#include "lock_call.h"
#include "state.h"

static int ask(struct address_range pages, int flags)
{
	return inner.msync((void *)pages.start, pages.end - pages.start, flags) == 0 ? 0 : errno;
}

int ask_locked(struct address_range pages)
{
	return ask(pages, MS_ASYNC | MS_INVALIDATE);
}

static bool has_hole(struct address_range pages)
{
	return ask(pages, MS_ASYNC) == ENOMEM;
}

static struct address_range first_half(struct address_range range)
{
	return (struct address_range){ range.start, range.start + count_pages(range) / 2 * page_size() };
}

/* The kernel may have no msync, or a filter of system calls another answer. */
static bool is_believable(void)
{
	struct address_range mapped = { (uintptr_t)&state, (uintptr_t)&state + page_size() };

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

static void hand_on(struct search *search)
{
	if (!is_empty(search->pages))
		search->take(search->self, search->pages, search->mode);
	search->pages = (struct address_range){ 0, 0 };
}

static void found(struct search *search, struct address_range pages, enum mode mode)
{
	if (search->pages.end != pages.start || search->mode != mode) {
		hand_on(search);
		search->pages.start = pages.start;
		search->mode = mode;
	}
	search->pages.end = pages.end;
	search->range.start = pages.end;
}

static void note(struct search *search, struct address_range pages, int said)
{
	if (said == 0 || said == EBUSY)
		found(search, pages, said == EBUSY ? LOCKED : NOT_LOCKED);
	else if (said != ENOMEM || !search->trusting)
		search->failed = true;
	else
		search->range.start = pages.end;
}

/* Large parts where nothing is locked, and single pages where something is: whether all of a part is nothing tells. */
static bool observe_by_halves(struct search *search)
{
	size_t count = count_pages(search->range);

	while (!is_empty(search->range) && !search->failed) {
		struct address_range part = search->range;
		size_t left = count_pages(part);
		int said;

		count = count < left ? count : left;
		part.end = part.start + count * page_size();
		said = ask_locked(part);
		if (said != 0 && count > 1) {
			count /= 2;
			continue;
		}
		note(search, part, said);
		count = said == 0 ? 2 * count : 1;
	}
	return !search->failed;
}

/* Open and close of a libc are cancellation points, and others may stand in front of them. */
static int open_maps(void)
{
	return (int)syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/maps", O_RDONLY | O_CLOEXEC, 0);
}

#define MAPPING_QUERY _IOWR('f', 17, struct mapping_query)

enum { OR_THE_NEXT = 0x10 };

static void note_mapping(struct search *search, uintptr_t start, uintptr_t end)
{
	struct address_range pages = common((struct address_range){ start, end }, search->range);

	if (!is_empty(pages))
		note(search, pages, ask_locked(pages));
}

static bool observe_by_queries(struct search *search, int maps)
{
	struct mapping_query *query = &state.query;
	uint64_t address = search->range.start;

	while (address < search->range.end && !search->failed) {
		*query = (struct mapping_query){ .size = sizeof(*query), .flags = OR_THE_NEXT, .address = address };
		if (syscall(SYS_ioctl, maps, MAPPING_QUERY, query) < 0)
			return errno == ENOENT && search->has_mapping;
		search->has_mapping = true;
		note_mapping(search, (uintptr_t)query->start, (uintptr_t)query->end);
		address = query->end;
	}
	return !search->failed;
}

static bool take_mapping(void *self, const struct smaps_mapping *mapping)
{
	struct search *search = self;

	search->has_mapping = true;
	if (mapping->start >= search->range.end || mapping->is_gate)
		return false;
	note_mapping(search, mapping->start, mapping->end);
	return !search->failed;
}

/* A mapping without flags is one of a kernel that does not tell. */
static bool take_flags(void *self, const struct smaps_mapping *mapping)
{
	struct search *search = self;
	struct address_range pages = common((struct address_range){ mapping->start, mapping->end }, search->range);

	search->has_mapping = true;
	if (mapping->start >= search->range.end || mapping->is_gate)
		return false;
	search->failed = !mapping->has_flags;
	if (!search->failed && !is_empty(pages))
		found(search, pages, !mapping->locked ? NOT_LOCKED : mapping->on_fault ? ON_FAULT : EAGER);
	return !search->failed;
}

/* A file without a mapping is not that of a process that runs. */
static bool observe_by_file(struct search *search, const char *path, bool (*take)(void *, const struct smaps_mapping *))
{
	search->has_mapping = search->failed = false;
	state.smaps = (struct smaps){ .take = take, .self = search }; /* in place: smaps_to needs room on the stack */
	return smaps_read(&state.smaps, path, state.chunk, sizeof(state.chunk)) && search->has_mapping &&
	       !search->failed;
}

static bool observe_by_mappings(struct search *search)
{
	int maps = open_maps();
	bool done;

	if (maps < 0)
		return false;
	done = observe_by_queries(search, maps);
	syscall(SYS_close, maps);
	return done || observe_by_file(search, "/proc/thread-self/maps", take_mapping);
}

static bool observe_by_msync(struct search *search)
{
	bool is_short = count_pages(search->range) <= FEW_PAGES;
	bool is_everything = search->range.end - search->range.start > UINTPTR_MAX / 2;

	search->failed = false;
	if (!is_short && observe_by_mappings(search))
		return true;
	search->failed = false;
	return !is_everything && observe_by_halves(search);
}

static bool observe_by_smaps(struct search *search)
{
	return observe_by_file(search, "/proc/thread-self/smaps", take_flags);
}

bool observe_locks(struct address_range range, enum observer first, taker *take, void *self)
{
	struct search *search = &state.search;
	bool seen;

	*search = (struct search){ .range = range, .take = take, .self = self };
	if (first == BY_SMAPS)
		seen = observe_by_smaps(search) || observe_by_msync(search);
	else
		seen = observe_by_msync(search) || observe_by_smaps(search);
	if (!seen) {
		search->trusting = true;
		seen = observe_by_msync(search);
	}
	if (seen)
		hand_on(search);
	return seen;
}

bool can_see_mappings(void)
{
	int maps = open_maps();

	if (maps >= 0)
		syscall(SYS_close, maps);
	return maps >= 0;
}
