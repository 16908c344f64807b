/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_PAGES_H
#define LOCKPROOF_PROGRAM_PAGES_H

/* From bytes to whole pages. Sums wrap, as addresses do. */

/* `unit` is a power of two. */
static inline unsigned long round_up(unsigned long bytes, unsigned long unit)
{
	return (bytes + unit - 1) & ~(unit - 1);
}

/* Pages by their numbers: page n holds the addresses from n * page size on. */
struct page_range {
	unsigned long first, count;
};

/* Every page that contains any part of a range (POSIX.1-2024, mlock, DESCRIPTION); none of one that is empty, or wraps. */
static inline struct page_range whole_pages(unsigned long address, unsigned long length, unsigned long page_size)
{
	unsigned long first = address / page_size, last = address + (length - 1);

	if (!length || last < address)
		return (struct page_range){ first, 0 };
	return (struct page_range){ first, last / page_size - first + 1 };
}

struct byte_range {
	unsigned long start, length;
};

/*
 * The pages that mlock and munlock of Linux work on (mm/mlock.c, do_mlock and
 * munlock): rounded outward, in sums that wrap, so that pages may be left of a
 * range that wraps. It ends below its start where it goes on to the end of the
 * address space; then Linux refuses it.
 */
static inline struct byte_range linux_whole_pages(unsigned long address, unsigned long length, unsigned long page_size)
{
	unsigned long offset = address % page_size;

	return (struct byte_range){ address - offset, round_up(length + offset, page_size) };
}

#endif
