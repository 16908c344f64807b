/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/page_observers.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_PAGES_ASKED = 16384 }; /* one by one: a call each */

/* Of several pages the answer may be that one letter does not stand for all of them. */
enum answer { ANSWER, THEY_DIFFER, NO_ANSWER };

typedef enum answer ask_about(unsigned long address, size_t pages, size_t page_size, char *letters);

static enum answer all_are(char letter, size_t pages, char *letters)
{
	memset(letters, letter, pages);
	return ANSWER;
}

/*
 * POSIX: msync with MS_INVALIDATE fails with EBUSY where a page is locked, with
 * ENOMEM where one is not mapped. When it succeeds, none of the pages is either.
 */
static enum answer ask_msync(unsigned long address, size_t pages, size_t page_size, char *letters)
{
	if (syscall(SYS_msync, address, pages * page_size, MS_ASYNC | MS_INVALIDATE) == 0)
		return all_are('.', pages, letters);
	if (errno != EBUSY && errno != ENOMEM)
		return NO_ANSWER;
	return pages > 1 ? THEY_DIFFER : all_are(errno == EBUSY ? 'L' : '_', pages, letters);
}

/* A byte for each page, the lowest bit of which says that it is resident. */
static enum answer ask_mincore(unsigned long address, size_t pages, size_t page_size, char *letters)
{
	if (syscall(SYS_mincore, address, pages * page_size, letters) < 0) {
		if (errno != ENOMEM)
			return NO_ANSWER;
		return pages > 1 ? THEY_DIFFER : all_are('_', pages, letters);
	}
	for (size_t page = 0; page < pages; page++)
		letters[page] = letters[page] & 1 ? 'R' : '.';
	return ANSWER;
}

struct page_observer {
	ask_about *ask;
	unsigned long arena;
	size_t page_size;
	const char *mappings; /* NULL: not known */
	char *strip;
};

static enum answer ask(const struct page_observer *observer, size_t first, size_t end)
{
	return observer->ask(observer->arena + (unsigned long)(first * observer->page_size), end - first,
			     observer->page_size, observer->strip + first);
}

static size_t end_of_mapping(const char *mappings, size_t page, size_t end)
{
	do
		page++;
	while (page < end && mappings[page] == '-');
	return page;
}

static size_t end_of_mapped(const char *mappings, size_t page, size_t end)
{
	while (page < end && mappings[page] != '_')
		page++;
	return page;
}

/* In a mapping of very many pages it takes too long to ask: then nobody has. */
static bool ask_about_each(const struct page_observer *observer, size_t first, size_t end)
{
	if (end - first > MOST_PAGES_ASKED)
		return false;
	for (; first < end; first++) {
		if (ask(observer, first, first + 1) == NO_ANSWER)
			return false;
	}
	return true;
}

static bool ask_about_mapping(const struct page_observer *observer, size_t first, size_t end)
{
	enum answer answer = ask(observer, first, end);

	return answer == THEY_DIFFER ? ask_about_each(observer, first, end) : answer == ANSWER;
}

/* What is mapped between two holes: all of it at once, else mapping by mapping, else page by page. */
static bool ask_about_mapped(const struct page_observer *observer, size_t first, size_t end)
{
	size_t next = end_of_mapping(observer->mappings, first, end);
	enum answer answer = next < end ? ask(observer, first, end) : THEY_DIFFER;

	for (; answer == THEY_DIFFER && first < end; first = next) {
		next = end_of_mapping(observer->mappings, first, end);
		if (!ask_about_mapping(observer, first, next))
			return false;
	}
	return answer != NO_ANSWER;
}

static bool observe(const struct page_observer *observer, size_t pages)
{
	const char *mappings = observer->mappings;
	size_t next;

	if (!mappings)
		return ask_about_each(observer, 0, pages);
	for (size_t first = 0; first < pages; first = next) {
		next = end_of_mapped(mappings, first, pages);
		if (next > first && !ask_about_mapped(observer, first, next))
			return false;
		for (; next < pages && mappings[next] == '_'; next++)
			observer->strip[next] = '_';
	}
	return true;
}

static struct page_observer observer_of(const struct snapshot *snapshot, size_t page_size, unsigned long arena)
{
	return (struct page_observer){
		.arena = arena,
		.page_size = page_size,
		.mappings = snapshot->has_mappings ? snapshot->mappings : NULL,
	};
}

bool page_observer_msync(size_t page_size, unsigned long arena, struct snapshot *snapshot)
{
	struct page_observer observer = observer_of(snapshot, page_size, arena);

	observer.ask = ask_msync;
	observer.strip = snapshot->msync;
	return observe(&observer, snapshot->pages);
}

bool page_observer_mincore(size_t page_size, unsigned long arena, struct snapshot *snapshot)
{
	struct page_observer observer = observer_of(snapshot, page_size, arena);

	observer.ask = ask_mincore;
	observer.strip = snapshot->resident;
	return observe(&observer, snapshot->pages);
}
