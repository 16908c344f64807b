/* SPDX-License-Identifier: Apache-2.0 */
#include "mm/mm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct mm *mm_create(size_t space, struct faults *faults)
{
	/* A mapping has a page at least, so there are no more mappings than pages. */
	struct mm *mm = malloc(sizeof(*mm) + space * (sizeof(struct mapping) + sizeof(struct page)));

	if (!mm)
		return NULL;
	*mm = (struct mm){
		.faults = faults,
		.space = space,
		.limit = SIZE_MAX,
		.mappings = (struct mapping *)(mm + 1),
	};
	mm->pages = (struct page *)(mm->mappings + space);
	memset(mm->pages, 0, space * sizeof(*mm->pages));
	return mm;
}

void mm_copy(struct mm *to, const struct mm *from)
{
	to->rules = from->rules;
	to->locked_vm = from->locked_vm;
	to->anons = from->anons;
	to->tabled = from->tabled;
	to->has_table = from->has_table;
	to->limit = from->limit;
	to->future = from->future;
	to->heap = from->heap;
	to->count = from->count;
	memcpy(to->mappings, from->mappings, from->count * sizeof(*from->mappings));
	memcpy(to->pages, from->pages, from->space * sizeof(*from->pages));
}

struct span mm_everything(const struct mm *mm)
{
	return (struct span){ 0, mm->space };
}

static bool is_injected(struct faults *faults, size_t pages)
{
	if (faults->which != ANY_ALLOCATION && (faults->which == PAGE_ALLOCATION) != (pages > 0))
		return false;
	if (faults->injected && faults->persistent)
		return true;
	if (faults->countdown == 0 || --faults->countdown > 0)
		return false;
	faults->injected = true;
	return true;
}

/* With no page left, what needs less than one cannot be had either. */
bool mm_allocate(const struct mm *mm, size_t pages)
{
	struct faults *faults = mm->faults;

	if (is_injected(faults, pages))
		return false;
	if (!faults->limited)
		return true;
	if (faults->left == 0 || faults->left < pages)
		return false;
	faults->left -= pages;
	return true;
}

/* The pages of the span become absent, and are there for others. */
static void release(struct mm *mm, struct span span)
{
	for (size_t page = span.start; page < span.end; page++) {
		if (mm->pages[page].resident && !mm->pages[page].borrowed)
			mm->faults->left++;
		mm->pages[page].resident = mm->pages[page].borrowed = false;
	}
}

static struct mapping *past_last(const struct mm *mm)
{
	return mm->mappings + mm->count;
}

/* The mapping that holds the page, or the first one after it; there may be none. */
struct mapping *mm_find(const struct mm *mm, size_t page)
{
	size_t low = 0, high = mm->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mm->mappings[middle].span.end <= page)
			low = middle + 1;
		else
			high = middle;
	}
	return mm->mappings + low;
}

bool mm_meets(const struct mm *mm, const struct mapping *mapping, struct span span)
{
	return mapping < past_last(mm) && mapping->span.start < span.end;
}

static void split_at(struct mm *mm, size_t page)
{
	struct mapping *mapping = mm_find(mm, page);

	if (mapping == past_last(mm) || mapping->span.start >= page)
		return;
	memmove(mapping + 1, mapping, (size_t)(past_last(mm) - mapping) * sizeof(*mapping));
	mm->count++;
	mapping[0].span.end = page;
	mapping[1].span.start = page;
	mapping[1].object_page += page - mapping[0].span.start;
}

void mm_split(struct mm *mm, struct span span)
{
	split_at(mm, span.start);
	split_at(mm, span.end);
}

static bool continues(const struct mapping *left, const struct mapping *right)
{
	size_t pages = left->span.end - left->span.start;

	return left->span.end == right->span.start && left->kind == right->kind &&
	       left->protection == right->protection && left->shared == right->shared && left->apart == right->apart &&
	       left->lock == right->lock && left->object == right->object &&
	       (left->object == NO_OBJECT || left->object_page + pages == right->object_page);
}

void mm_merge(struct mm *mm)
{
	size_t kept = 0;

	for (size_t i = 1; i < mm->count; i++) {
		if (continues(&mm->mappings[kept], &mm->mappings[i]))
			mm->mappings[kept].span.end = mm->mappings[i].span.end;
		else
			mm->mappings[++kept] = mm->mappings[i];
	}
	if (mm->count > 0)
		mm->count = kept + 1;
}

void mm_set_lock(struct mm *mm, struct span span, enum lock lock)
{
	mm_split(mm, span);
	for (struct mapping *m = mm_find(mm, span.start); mm_meets(mm, m, span); m++)
		m->lock = lock;
	mm_merge(mm);
}

void mm_unmap(struct mm *mm, struct span span)
{
	struct mapping *first, *past;

	mm_split(mm, span);
	first = mm_find(mm, span.start);
	for (past = first; mm_meets(mm, past, span); past++) {
		release(mm, past->span);
		memset(mm->pages + past->span.start, 0, (past->span.end - past->span.start) * sizeof(*mm->pages));
	}
	memmove(first, past, (size_t)(past_last(mm) - past) * sizeof(*first));
	mm->count -= (size_t)(past - first);
}

void mm_map(struct mm *mm, const struct mapping *mapping)
{
	struct mapping *place;

	mm_unmap(mm, mapping->span);
	place = mm_find(mm, mapping->span.start);
	memmove(place + 1, place, (size_t)(past_last(mm) - place) * sizeof(*place));
	*place = *mapping;
	mm->count++;
}

struct span mm_overlap(const struct mapping *mapping, struct span span)
{
	if (span.start < mapping->span.start)
		span.start = mapping->span.start;
	if (span.end > mapping->span.end)
		span.end = mapping->span.end;
	return span;
}

bool mapping_is_backed(const struct mapping *mapping, size_t page)
{
	return mapping->object == NO_OBJECT ||
	       mapping->object_page + (page - mapping->span.start) < mapping->object_pages;
}

bool mm_is_backed(const struct mm *mm, struct span span)
{
	for (const struct mapping *m = mm_find(mm, span.start); mm_meets(mm, m, span); m++) {
		struct span part = mm_overlap(m, span);

		if (!mapping_is_backed(m, part.end - 1))
			return false;
	}
	return true;
}

static bool is_accessible(const struct mm *mm, const struct mapping *mapping, size_t page)
{
	return mapping->protection != PROT_NONE && !mm->pages[page].guard && mapping_is_backed(mapping, page);
}

bool mm_is_accessible(const struct mm *mm, size_t page)
{
	const struct mapping *mapping = mm_find(mm, page);

	return mm_meets(mm, mapping, (struct span){ page, page + 1 }) && is_accessible(mm, mapping, page);
}

bool mm_populate(struct mm *mm, struct span span)
{
	for (const struct mapping *m = mm_find(mm, span.start); mm_meets(mm, m, span); m++) {
		struct span part = mm_overlap(m, span);

		for (size_t page = part.start; page < part.end; page++) {
			if (mm->pages[page].resident)
				continue;
			if (!is_accessible(mm, m, page) || !mm_allocate(mm, 1))
				return false;
			mm->pages[page].resident = true;
		}
	}
	return true;
}

void mm_discard(struct mm *mm, struct span span)
{
	for (const struct mapping *m = mm_find(mm, span.start); mm_meets(mm, m, span); m++)
		release(mm, mm_overlap(m, span));
}

static size_t count_pages(const struct mm *mm, struct span span, bool only_locked)
{
	size_t pages = 0;

	for (const struct mapping *m = mm_find(mm, span.start); mm_meets(mm, m, span); m++) {
		struct span part = mm_overlap(m, span);

		if (!only_locked || m->lock != LOCK_NONE)
			pages += part.end - part.start;
	}
	return pages;
}

size_t mm_mapped_pages(const struct mm *mm, struct span span)
{
	return count_pages(mm, span, false);
}

size_t mm_locked_pages(const struct mm *mm, struct span span)
{
	return count_pages(mm, span, true);
}

bool mm_is_mapped(const struct mm *mm, struct span span)
{
	return mm_mapped_pages(mm, span) == span.end - span.start;
}
