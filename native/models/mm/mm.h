/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MM_MM_H
#define LOCKPROOF_MM_MM_H

/*
 * A small simulated address space: mappings that split and merge, and what is
 * known of each page. It knows no rule of any standard and no error numbers.
 * Everything is counted in pages; page n holds the addresses from
 * n * page size on.
 *
 * All storage is taken when the address space is made, so nothing here fails
 * for want of the host's memory. What the simulated system would allocate, it
 * asks of mm_allocate().
 */

#include "program/system.h"

enum lock { LOCK_NONE, LOCK_EAGER, LOCK_ON_FAULT };

enum { NO_OBJECT = -1 };

struct span {
	size_t start, end; /* without `end` */
};

struct mapping {
	struct span span;
	enum kind kind;
	int protection;
	bool shared;
	bool apart; /* mappings that differ in it do not merge */
	enum lock lock;
	int object;	     /* NO_OBJECT: private memory of no file */
	size_t object_page;  /* the object's page at the mapping's start; of no object, the page where it was made */
	size_t object_pages; /* the object's length */
	bool held;	     /* the object is a segment that SHM_LOCK has locked */
	/* Of the models of Linux; vma.h says what they are. */
	unsigned flags;
	int anon;
	bool forked;
};

struct page {
	bool resident;
	bool guard;
	bool borrowed; /* in the models of Linux; vma.h says what it is */
};

/* Makes the allocation fail that brings the countdown to zero, and those that would need more pages than are left. */
struct faults {
	unsigned long countdown; /* 0: none is to fail */
	bool persistent;	 /* all later ones fail too */
	enum allocations which;	 /* others neither count nor fail */
	bool injected;
	bool limited;
	size_t left; /* pages, where they are limited */
};

struct vma_rules;

struct mm {
	struct faults *faults;
	const struct vma_rules *rules; /* of the models of Linux, as are the next four */
	size_t locked_vm;	       /* what the kernel counts as locked, pages */
	int anons;		       /* anon_vma that were made */
	size_t tabled;		       /* pages before it have page tables from the start */
	bool has_table;		       /* and those from there on have one now */
	size_t space;		       /* pages from 0 on that can be mapped */
	size_t limit;		       /* mappings that it may have */
	enum lock future;	       /* the lock that new mappings get */
	struct span heap;	       /* what brk moves the end of */
	size_t count;
	struct mapping *mappings; /* sorted, disjoint, not empty */
	struct page *pages;
};

/* An empty address space, or NULL; to be given to free(). */
struct mm *mm_create(size_t space, struct faults *faults);
/* Both are of the same size. */
void mm_copy(struct mm *to, const struct mm *from);

/* All of it. */
struct span mm_everything(const struct mm *mm);

/* Every allocation of the simulated system, of some pages or of less than one (0); false: it fails. */
bool mm_allocate(const struct mm *mm, size_t pages);

/*
 * The mappings that meet a span:
 * for (m = mm_find(mm, span.start); mm_meets(mm, m, span); m++)
 */
struct mapping *mm_find(const struct mm *mm, size_t page);
bool mm_meets(const struct mm *mm, const struct mapping *mapping, struct span span);
/* The part of a mapping that meets the span. */
struct span mm_overlap(const struct mapping *mapping, struct span span);

/* Makes the span begin and end where mappings do. */
void mm_split(struct mm *mm, struct span span);
/* Joins all neighbours that are alike. */
void mm_merge(struct mm *mm);

/* Gives what is mapped in the span that lock. */
void mm_set_lock(struct mm *mm, struct span span, enum lock lock);

/* Replaces what is there; absent pages. Within the space. */
void mm_map(struct mm *mm, const struct mapping *mapping);
void mm_unmap(struct mm *mm, struct span span);

/* Whether every page of the span is mapped. */
bool mm_is_mapped(const struct mm *mm, struct span span);
/* Whether a page of the mapping lies within its object. */
bool mapping_is_backed(const struct mapping *mapping, size_t page);
/* The same of all that is mapped in the span. */
bool mm_is_backed(const struct mm *mm, struct span span);
/* Whether an access to the page would succeed. */
bool mm_is_accessible(const struct mm *mm, size_t page);

/* Makes what is mapped in the span resident; stops at the first page that cannot be. */
bool mm_populate(struct mm *mm, struct span span);
/* Makes what is mapped in the span absent. */
void mm_discard(struct mm *mm, struct span span);

size_t mm_mapped_pages(const struct mm *mm, struct span span);
size_t mm_locked_pages(const struct mm *mm, struct span span);

#endif
