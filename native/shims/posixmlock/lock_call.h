/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_LOCK_CALL_H
#define LOCKPROOF_SHIMS_LOCK_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runs.h"

enum lock_operation { LOCK, LOCK2, UNLOCK, LOCK_ALL, UNLOCK_ALL };

/* A call as the program makes it. */
struct lock_call {
	enum lock_operation operation;
	uintptr_t address;
	size_t length;
	int flags;
};

const char *call_name(const struct lock_call *call);

/* Makes it. 0, or an errno with a minus before it. */
int call_make(const struct lock_call *call);

/* The same on other pages; not for the two that are about everything. */
int call_make_on(const struct lock_call *call, struct address_range pages);

/* Of the whole address space, and of what is mapped in future. */
bool call_is_about_all(const struct lock_call *call);

/* What it makes of pages: NOT_LOCKED, EAGER or ON_FAULT. */
enum mode call_mode(const struct lock_call *call);

/*
 * The pages whose locks it may change, of which a few may not be mapped; none
 * where the kernel does nothing, or refuses.
 */
struct address_range call_pages(const struct lock_call *call);

/*
 * The pages between two addresses that mlock and munlock of Linux work on
 * (mm/mlock.c, do_mlock and munlock): PAGE_ALIGN(length + offset in the page)
 * bytes from the start of the page on. `wide`: the kernel adds in 64 bits, as
 * one of 64 bits does for a program of 32 bits, too; else sums wrap as the
 * program's own.
 */
struct address_range pages_between(uintptr_t address, size_t length, bool wide);

size_t page_size(void);

static inline size_t count_pages(struct address_range pages)
{
	return (pages.end - pages.start) / page_size();
}

#endif
