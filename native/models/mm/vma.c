/* SPDX-License-Identifier: Apache-2.0 */
#include "mm/vma.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int vma_find(const struct mm *mm, size_t page)
{
	return (int)(mm_find(mm, page) - mm->mappings);
}

enum { HUGE_PAGE = 512 }; /* pages */

static size_t pages_of(const struct mapping *mapping)
{
	return mapping->span.end - mapping->span.start;
}

static void begin_at(struct mapping *mapping, size_t page)
{
	mapping->object_page += page - mapping->span.start;
	mapping->span.start = page;
}

static void remove_mappings(struct mm *mm, int first, int count)
{
	struct mapping *at = mm->mappings + first;

	memmove(at, at + count, (mm->count - (size_t)(first + count)) * sizeof(*at));
	mm->count -= (size_t)count;
}

/* A mapping needs memory of its own, and one more to belong to an anon_vma. */
static bool allocate_mapping(const struct mm *mm, int anon)
{
	return mm_allocate(mm, 0) && (!anon || mm->rules->anon == ANON_EITHER || mm_allocate(mm, 0));
}

/* Huge pages of a pool, of 2 MiB, cannot be parted. */
static bool parts_huge_page(const struct mapping *m, size_t page)
{
	return m->kind == KIND_HUGETLB && (page - m->span.start) % HUGE_PAGE != 0;
}

/* However many there are. */
static long split(struct mm *mm, int vma, size_t page)
{
	struct mapping *m = mm->mappings + vma;

	if (parts_huge_page(m, page))
		return -EINVAL;
	if (!allocate_mapping(mm, m->anon))
		return -ENOMEM;
	memmove(m + 1, m, (mm->count - (size_t)vma) * sizeof(*m));
	mm->count++;
	m[0].span.end = page;
	begin_at(&m[1], page);
	return 0;
}

long vma_split(struct mm *mm, int vma, size_t page)
{
	if (mm->count >= mm->limit && !parts_huge_page(mm->mappings + vma, page))
		return -ENOMEM;
	return split(mm, vma, page);
}

/* The heap is anonymous memory. */
static enum kind kind_of(const struct mapping *mapping)
{
	return mapping->kind == KIND_HEAP ? KIND_ANONYMOUS : mapping->kind;
}

/* Whether one mapping could go on with the other, as far as files and attributes go. */
static bool alike(const struct mapping *left, const struct mapping *right)
{
	return left->span.end == right->span.start && left->protection == right->protection &&
	       kind_of(left) == kind_of(right) && left->shared == right->shared && left->apart == right->apart &&
	       left->lock == right->lock && left->flags == right->flags && left->object == right->object &&
	       left->object_page + pages_of(left) == right->object_page;
}

static bool anon_merges(const struct mm *mm, const struct mapping *middle, const struct mapping *neighbour)
{
	if (middle->anon == neighbour->anon)
		return true;
	if (middle->anon && neighbour->anon)
		return false;
	switch (mm->rules->anon) {
	case ANON_EITHER:
		return true;
	case ANON_NEIGHBOUR_HAS:
		return neighbour->anon && !neighbour->forked;
	case ANON_NOT_FORKED:
		return !(middle->anon ? middle : neighbour)->forked;
	}
	return false;
}

/* The two around a mapping that merges with both must fit each other too. */
static bool neighbours_merge(const struct mapping *left, const struct mapping *right)
{
	return !left->anon || !right->anon || left->anon == right->anon;
}

static void adopt_anon(struct mapping *mapping, const struct mapping *from)
{
	if (mapping->anon || !from->anon)
		return;
	mapping->anon = from->anon;
	mapping->forked = from->forked;
}

/* The mapping before takes the pages, and where `next` is given that one as well. */
static int merge_left(struct mm *mm, int prev, int area, int next, const struct mapping *wanted)
{
	struct mapping *left = mm->mappings + prev, *over = mm->mappings + area;

	adopt_anon(left, wanted);
	if (next != VMA_NONE) {
		adopt_anon(left, mm->mappings + next);
		left->span.end = mm->mappings[next].span.end;
		remove_mappings(mm, area, next - area + 1);
		return prev;
	}
	left->span.end = wanted->span.end;
	if (area == (int)mm->count || over->span.start >= wanted->span.end)
		return prev;
	if (over->span.end == wanted->span.end)
		remove_mappings(mm, area, 1);
	else
		begin_at(over, wanted->span.end);
	return prev;
}

/* The mapping behind takes the pages. */
static int merge_right(struct mm *mm, int prev, int area, int next, const struct mapping *wanted)
{
	struct mapping *right = mm->mappings + next;

	adopt_anon(right, wanted);
	right->span.start = wanted->span.start;
	right->object_page = wanted->object_page;
	if (prev != VMA_NONE && mm->mappings[prev].span.end > wanted->span.start)
		mm->mappings[prev].span.end = wanted->span.start;
	remove_mappings(mm, area, next - area);
	return area;
}

/* Whether nothing is left of the mapping or the gap that the mapping before grows into. */
static bool fills_left(const struct mm *mm, int area, const struct mapping *wanted)
{
	const struct mapping *over = mm->mappings + area;

	if (area == (int)mm->count)
		return false;
	return over->span.start < wanted->span.end ? over->span.end == wanted->span.end :
						     over->span.start == wanted->span.end;
}

/* The same of the mapping behind. */
static bool fills_right(const struct mapping *left, int area, int next, const struct mapping *wanted)
{
	return next > area || (left && left->span.end == wanted->span.start);
}

/* Whether a mapping that grows gets its first anon_vma by that. */
static bool adopts_anon(const struct mapping *grows, const struct mapping *wanted, const struct mapping *other)
{
	return !grows->anon && (wanted->anon || (other && other->anon));
}

static bool takes_memory(const struct mm *mm, bool changes)
{
	return mm->rules->merge == MERGE_LEFT_OUT || (mm->rules->merge == MERGE_FAILS && changes);
}

/* Whose the pages are that are to merge. */
enum owner { OWN_MAPPING, NOBODY, REPLACED_MAPPING };

static int merge(struct mm *mm, int prev, const struct mapping *wanted, enum owner owner)
{
	int area = prev == VMA_NONE ? 0 : prev + 1, next = area;
	const struct mapping *left = prev == VMA_NONE ? NULL : mm->mappings + prev, *right;
	struct mapping asking = *wanted;
	bool before, behind, both, number_changes, adopts;

	if (next < (int)mm->count && mm->mappings[next].span.end == wanted->span.end)
		next++;
	right = next < (int)mm->count ? mm->mappings + next : NULL;
	behind = right && alike(wanted, right) && anon_merges(mm, wanted, right);
	if (behind && owner != OWN_MAPPING && mm->rules->behind_lends_first)
		adopt_anon(&asking, right);
	before = left && alike(left, wanted) && anon_merges(mm, &asking, left);
	if (!before && !behind)
		return VMA_NONE;
	both = before && behind && neighbours_merge(left, right);
	number_changes = both || owner == REPLACED_MAPPING ||
			 (before ? fills_left(mm, area, wanted) : fills_right(left, area, next, wanted));
	adopts = before ? adopts_anon(left, wanted, both ? right : NULL) : adopts_anon(right, wanted, NULL);
	if (takes_memory(mm, number_changes || adopts) && !mm_allocate(mm, 0))
		return mm->rules->merge == MERGE_FAILS ? VMA_NO_MEMORY : VMA_NONE;
	return before ? merge_left(mm, prev, area, both ? next : VMA_NONE, wanted) :
			merge_right(mm, prev, area, next, wanted);
}

bool vma_is_split(const struct mm *mm, int vma)
{
	const struct mapping *left = mm->mappings + vma, *right = left + 1;

	return vma + 1 < (int)mm->count && alike(left, right) &&
	       (left->anon == right->anon || (anon_merges(mm, left, right) && anon_merges(mm, right, left)));
}

int vma_merge(struct mm *mm, int prev, const struct mapping *wanted)
{
	return merge(mm, prev, wanted, OWN_MAPPING);
}

int vma_merge_new(struct mm *mm, const struct mapping *wanted, bool replaces)
{
	return merge(mm, vma_find(mm, wanted->span.start) - 1, wanted, replaces ? REPLACED_MAPPING : NOBODY);
}

struct mapping vma_part(const struct mm *mm, int vma, struct span span)
{
	struct mapping part = mm->mappings[vma];

	begin_at(&part, span.start);
	part.span.end = span.end;
	return part;
}

int vma_modify(struct mm *mm, int prev, int vma, const struct mapping *wanted)
{
	const struct span span = wanted->span;
	int merged = vma_merge(mm, prev, wanted);
	long error = 0;

	if (merged != VMA_NONE)
		return merged == VMA_NO_MEMORY ? -ENOMEM : merged;
	if (mm->mappings[vma].span.start < span.start) {
		error = vma_split(mm, vma, span.start);
		if (error)
			return (int)error;
		vma++;
	}
	if (mm->mappings[vma].span.end > span.end)
		error = vma_split(mm, vma, span.end);
	if (error)
		return (int)error;
	mm->mappings[vma].protection = wanted->protection;
	mm->mappings[vma].lock = wanted->lock;
	mm->mappings[vma].flags = wanted->flags;
	return vma;
}

/* As alike, whatever the protection is: they may become alike once. */
static bool may_share_anon(const struct mapping *left, const struct mapping *right)
{
	struct mapping other = *right;

	other.protection = left->protection;
	return alike(left, &other);
}

static bool lends_anon(const struct mapping *neighbour)
{
	return neighbour->anon && !neighbour->forked;
}

bool vma_prepare_anon(struct mm *mm, int vma)
{
	struct mapping *m = mm->mappings + vma;

	if (m->anon)
		return true;
	if (vma + 1 < (int)mm->count && lends_anon(m + 1) && may_share_anon(m, m + 1))
		m->anon = m[1].anon;
	else if (vma > 0 && lends_anon(m - 1) && may_share_anon(m - 1, m))
		m->anon = m[-1].anon;
	else if (mm_allocate(mm, 0))
		m->anon = ++mm->anons;
	return m->anon;
}

static bool prepare_table(struct mm *mm, size_t page)
{
	if (page < mm->tabled || mm->has_table)
		return true;
	mm->has_table = mm_allocate(mm, 0);
	return mm->has_table;
}

bool vma_page_is_charged(const struct page *page)
{
	return page->resident && !page->borrowed;
}

static bool takes_page(const struct mapping *m, const struct page *page, bool writes)
{
	return page->resident ? page->borrowed && writes : writes || m->shared || m->object != NO_OBJECT;
}

long vma_fault(struct mm *mm, int vma, size_t page)
{
	const struct mapping *m = mm->mappings + vma;
	const bool writes = m->protection & PROT_WRITE && !m->shared;
	struct page *p = mm->pages + page;

	if (m->protection == PROT_NONE || p->guard)
		return -EFAULT;
	if (!prepare_table(mm, page))
		return -ENOMEM;
	if (!mapping_is_backed(m, page))
		return -EFAULT;
	if ((writes && !vma_prepare_anon(mm, vma)) || (takes_page(m, p, writes) && !mm_allocate(mm, 1)))
		return -ENOMEM;
	p->borrowed = !m->shared && !writes && !vma_page_is_charged(p);
	p->resident = true;
	return 0;
}

long vma_populate(struct mm *mm, int vma, struct span span)
{
	for (size_t page = span.start; page < span.end; page++) {
		long error = vma_fault(mm, vma, page);

		if (error)
			return page > span.start ? (long)(page - span.start) : error;
	}
	return (long)(span.end - span.start);
}

/* The page is the first of a mapping then, if anything is mapped there. */
static long cut(struct mm *mm, size_t page)
{
	int vma = vma_find(mm, page);

	return vma < (int)mm->count && mm->mappings[vma].span.start < page ? split(mm, vma, page) : 0;
}

/* What makes a hole in a mapping has to have room for one more; what takes off an end has not. */
static bool is_within_limit(const struct mm *mm, struct span hole)
{
	const struct mapping *m = mm_find(mm, hole.start);

	return !(m->span.start < hole.start && m->span.end > hole.end) || mm->count < mm->limit;
}

long vma_unmap(struct mm *mm, struct span span)
{
	long error;

	if (mm_mapped_pages(mm, span) == 0)
		return 0;
	if (!is_within_limit(mm, span))
		return -ENOMEM;
	error = cut(mm, span.start);
	if (!error)
		error = cut(mm, span.end);
	if (error)
		return error;
	mm->locked_vm -= mm_locked_pages(mm, span);
	mm_unmap(mm, span);
	if (vma_find(mm, mm->tabled) == (int)mm->count)
		mm->has_table = false;
	return 0;
}
