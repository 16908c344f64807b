/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "restore.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inner_calls.h"

enum { ROUNDS = 4 }; /* of mending and looking; what a call does not do the first time, it may do the second time */

struct restoration {
	const struct before *before;
	struct runs spare;
	const struct failed_call *failed;
	bool last; /* only looks, and reports */
	bool clean;
};

/* Whether it worked shows when it is looked at again: an errno says little, as with the call that failed. */
static void set_mode(struct address_range range, enum mode mode)
{
	void *start = (void *)range.start;
	size_t length = range.end - range.start;

	switch (mode) {
	case NOT_LOCKED:
		inner.munlock(start, length);
		break;
	case EAGER:
		inner.mlock(start, length);
		break;
	case ON_FAULT:
		inner.mlock2(start, length, MLOCK_ONFAULT);
		break;
	}
}

static void restore_mode(struct restoration *restoration, struct address_range range, enum mode before, enum mode now)
{
	if (before == now)
		return;
	restoration->clean = false;
	if (restoration->last)
		report_difference(restoration->failed, range, before, now);
	else
		set_mode(range, before);
}

/* The mode at an address, and where it may end: `at` is the first run that does not lie below the address. */
static enum mode mode_at(const struct runs *runs, size_t *at, uintptr_t address, uintptr_t *end)
{
	const struct run *run;

	while (*at < runs->count && runs->at[*at].end <= address)
		++*at;
	if (*at == runs->count)
		return NOT_LOCKED;
	run = &runs->at[*at];
	if (run->start > address) {
		*end = run->start < *end ? run->start : *end;
		return NOT_LOCKED;
	}
	*end = run->end < *end ? run->end : *end;
	return run->mode;
}

static void compare(struct restoration *restoration, struct address_range range, const struct runs *now)
{
	size_t in_before = 0, in_now = 0;
	uintptr_t end;

	for (uintptr_t start = range.start; start < range.end; start = end) {
		enum mode was, is;

		end = range.end;
		was = mode_at(&restoration->before->runs, &in_before, start, &end);
		is = mode_at(now, &in_now, start, &end);
		restore_mode(restoration, (struct address_range){ start, end }, was, is);
	}
}

/* A part at a time, as much as there is room for. */
static void compare_all(struct restoration *restoration)
{
	struct address_range range = restoration->before->range;

	while (range.start < range.end) {
		struct runs now = { restoration->spare.at, 0, restoration->spare.room };
		uintptr_t upto = range.end;
		enum known known = find_locks(range, BY_SMAPS, &now, &upto);

		if (known == NOTHING_KNOWN || upto == range.start) {
			restoration->clean = false;
			if (restoration->last)
				report_trouble(restoration->failed, "the-locks-cannot-be-seen");
			return;
		}
		if (known == ALL_KNOWN)
			upto = range.end;
		compare(restoration, (struct address_range){ range.start, upto }, &now);
		range.start = upto;
	}
}

/* Whether what is mapped now becomes locked. The kernel has no other way to ask; memory is not needed for it. */
static bool is_future_armed(bool otherwise)
{
	long page = syscall(
#ifdef SYS_mmap2
		SYS_mmap2,
#else
		SYS_mmap,
#endif
		NULL, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L);
	bool armed;

	if (page == -1) /* EAGAIN: locked memory would exceed its limit; other errors say nothing */
		return errno == EAGAIN || otherwise;
	armed = syscall(SYS_msync, page, page_size(), MS_ASYNC | MS_INVALIDATE) < 0 && errno == EBUSY;
	syscall(SYS_munmap, page, page_size());
	return armed;
}

/* MCL_FUTURE alone arms and locks nothing. Nothing disarms alone: munlockall does, and the locks come back afterwards. */
static void restore_future(struct restoration *restoration, bool first)
{
	int future = restoration->before->future;
	bool armed = is_future_armed(future != 0);

	if (armed != (future != 0))
		restoration->clean = false;
	if (restoration->last) {
		if (!restoration->clean)
			report_trouble(restoration->failed, armed ? "MCL_FUTURE-is-armed" : "MCL_FUTURE-is-not-armed");
	} else if (future && (first || !armed)) {
		inner.mlockall(future);
	} else if (!future && armed) {
		inner.munlockall();
	}
}

void restore(const struct before *before, struct runs spare, const struct failed_call *failed)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct restoration restoration = {
			.before = before, .spare = spare, .failed = failed, .last = round == ROUNDS - 1, .clean = true
		};

		if (before->all)
			restore_future(&restoration, round == 0);
		compare_all(&restoration);
		if (restoration.clean)
			return;
	}
}
