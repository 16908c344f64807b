/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "restore.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "next.h"

#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

enum { ROUNDS = 4 }; /* of mending and looking; what a call does not do the first time, it may do the second time */

struct work {
	const struct before *before;
	struct runs spare;
	const struct made *made;
	bool last; /* only looks, and reports */
	bool clean;
};

/* Whether it worked shows when it is looked at again: an errno says little, as with the call that failed. */
static void set_mode(struct range range, enum mode mode)
{
	void *start = (void *)range.start;
	size_t length = range.end - range.start;

	switch (mode) {
	case NOT_LOCKED:
		next.munlock(start, length);
		break;
	case EAGER:
		next.mlock(start, length);
		break;
	case ON_FAULT:
		next.mlock2(start, length, MLOCK_ONFAULT);
		break;
	}
}

static void settle(struct work *work, struct range range, enum mode before, enum mode now)
{
	if (before == now)
		return;
	work->clean = false;
	if (work->last)
		report_difference(work->made, range, before, now);
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

static void compare(struct work *work, struct range range, const struct runs *now)
{
	size_t in_before = 0, in_now = 0;
	uintptr_t end;

	for (uintptr_t start = range.start; start < range.end; start = end) {
		enum mode was, is;

		end = range.end;
		was = mode_at(&work->before->runs, &in_before, start, &end);
		is = mode_at(now, &in_now, start, &end);
		settle(work, (struct range){ start, end }, was, is);
	}
}

/* A part at a time, as much as there is room for. */
static void compare_all(struct work *work)
{
	struct range range = work->before->range;

	while (range.start < range.end) {
		struct runs now = { work->spare.at, 0, work->spare.room };
		uintptr_t upto = range.end;
		enum sight sight = look(range, READ_SMAPS, &now, &upto);

		if (sight == UNSEEN || upto == range.start) {
			work->clean = false;
			if (work->last)
				report_trouble(work->made, "the-locks-cannot-be-seen");
			return;
		}
		if (sight == SEEN)
			upto = range.end;
		compare(work, (struct range){ range.start, upto }, &now);
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
static void settle_future(struct work *work, bool first)
{
	int future = work->before->future;
	bool armed = is_future_armed(future != 0);

	if (armed != (future != 0))
		work->clean = false;
	if (work->last) {
		if (!work->clean)
			report_trouble(work->made, armed ? "MCL_FUTURE-is-armed" : "MCL_FUTURE-is-not-armed");
	} else if (future && (first || !armed)) {
		next.mlockall(future);
	} else if (!future && armed) {
		next.munlockall();
	}
}

void restore(const struct before *before, struct runs spare, const struct made *made)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct work work = {
			.before = before, .spare = spare, .made = made, .last = round == ROUNDS - 1, .clean = true
		};

		if (before->all)
			settle_future(&work, round == 0);
		compare_all(&work);
		if (work.clean)
			return;
	}
}
