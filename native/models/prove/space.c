/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/mman.h>

#include "mm/vma.h"
#include "prove/prove.h"

struct space space_numbered(unsigned long long number)
{
	struct space space = { .number = number, .pages = 1 };
	unsigned long long count = PAGE_KINDS;

	while (number >= count) {
		number -= count;
		count *= PAGE_KINDS;
		space.pages++;
	}
	for (int page = 0; page < space.pages && page < PROVE_PAGES; page++) {
		space.what[page] = (unsigned char)(number % PAGE_KINDS);
		number /= PAGE_KINDS;
	}
	return space;
}

static struct mapping mapping_of(unsigned char what, struct mm *mm)
{
	static const int protections[] = {
		[PAGE_RW] = PROT_READ | PROT_WRITE,	   [PAGE_RO] = PROT_READ,	 [PAGE_NONE] = PROT_NONE,
		[PAGE_LOCKED_RW] = PROT_READ | PROT_WRITE, [PAGE_LOCKED_RO] = PROT_READ, [PAGE_LOCKED_NONE] = PROT_NONE,
	};
	struct mapping mapping = {
		.kind = KIND_ANONYMOUS,
		.protection = protections[what],
		.object = NO_OBJECT,
		.lock = what >= PAGE_LOCKED_RW ? LOCK_EAGER : LOCK_NONE,
	};

	if (!mm->rules)
		return mapping;
	/* What can no longer be used was locked when it could: written to, and charged. */
	if (what == PAGE_RW || what == PAGE_LOCKED_RW || what == PAGE_LOCKED_NONE)
		mapping.flags = VMA_ACCOUNT;
	if (what == PAGE_LOCKED_RW || what == PAGE_LOCKED_NONE)
		mapping.anon = ++mm->anons;
	return mapping;
}

void space_lay(const struct space *space, struct mm *mm)
{
	int run;

	for (int page = 0; page < space->pages; page += run) {
		unsigned char what = space->what[page];
		struct mapping mapping;

		for (run = 1; page + run < space->pages && space->what[page + run] == what; run++)
			;
		if (what == PAGE_HOLE)
			continue;
		mapping = mapping_of(what, mm);
		mapping.span = (struct span){ ARENA_PAGE + (size_t)page, ARENA_PAGE + (size_t)(page + run) };
		mapping.object_page = mapping.span.start; /* where it was made: else nothing here would ever merge */
		mm->mappings[mm->count++] = mapping;
		if (mapping.lock == LOCK_NONE)
			continue;
		mm->locked_vm += (size_t)run;
		mm->has_table = true;
		for (int i = 0; i < run; i++)
			mm->pages[ARENA_PAGE + page + i] =
				(struct page){ .resident = true, .borrowed = mm->rules && what == PAGE_LOCKED_RO };
	}
}

struct view view_of(const struct mm *mm)
{
	struct view view = { .future = mm->future != LOCK_NONE };
	size_t locked = 0;

	for (const struct mapping *m = mm->mappings; m < mm->mappings + mm->count; m++) {
		const bool is_locked = m->lock != LOCK_NONE;
		const size_t pages = m->span.end - m->span.start;

		if (is_locked)
			locked += pages;
		if (m->span.start < ARENA_PAGE) {
			view.elsewhere += is_locked ? pages : 0;
			continue;
		}
		view.starts |= 1U << (m->span.start - ARENA_PAGE);
		for (size_t page = m->span.start; page < m->span.end; page++) {
			const unsigned bit = 1U << (page - ARENA_PAGE);

			view.mapped |= bit;
			view.locked |= is_locked ? bit : 0;
			view.resident |= mm->pages[page].resident ? bit : 0;
		}
	}
	view.accounted = mm->rules ? mm->locked_vm : locked;
	return view;
}
