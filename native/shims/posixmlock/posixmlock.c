/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libposixmlock.so: mlock, mlock2, munlock, mlockall and munlockall that change
 * no lock when they fail, on kernels that do. Each call learns what it would
 * have to restore, makes the call, and restores it where the call fails.
 * docs/posixmlock.md says what it promises, and where it ends.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call_lock.h"
#include "inner_calls.h"
#include "lock_call.h"
#include "locks.h"
#include "report.h"
#include "restore.h"

#define EXPORTED __attribute__((visibility("default")))

enum {
	ROOM = 8192,  /* runs of locked pages, half of them for a call, and half for those inside it */
	JOURNAL = 16, /* calls by signal handlers inside one call */
	STACK = 3072, /* bytes; more than is used below */
};

/* All of it belongs to the thread inside the lock. */
static struct {
	struct run room[ROOM];
	size_t used;
	int future;	/* what the last mlockall armed: MCL_FUTURE, and MCL_ONFAULT, or 0 */
	bool on_fault;	/* locks on fault have been asked for */
	unsigned forks; /* of which this process is the child */
	struct lock_call journal[JOURNAL];
	size_t journaled; /* calls of signal handlers that succeeded; may be more than there is room for */
} state;

static struct runs free_room(void)
{
	return (struct runs){ state.room + state.used, 0, ROOM - state.used };
}

static uint64_t block_signals(void)
{
	uint64_t every = ~UINT64_C(0), found = 0;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every, &found, sizeof(every));
	return found;
}

static void unblock_signals(uint64_t found)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &found, NULL, sizeof(found));
}

/* A stack that grows while locks are compared would be a difference. */
__attribute__((noinline)) static void grow_stack(void)
{
	volatile char stack[STACK];

	for (size_t i = 0; i < sizeof(stack); i += 256)
		stack[i] = 0;
}

/* Half of the room that is left, so that there is some for a signal handler while it is being filled. */
static enum known find_locks_before(enum observer observer, struct before *before)
{
	size_t used = state.used;
	uintptr_t upto;
	enum known known;

	before->runs = (struct runs){ state.room + used, 0, (ROOM - used) / 2 };
	state.used = used + before->runs.room;
	known = find_locks(before->range, observer, &before->runs, &upto);
	state.used = used + (known == ALL_KNOWN ? before->runs.count : 0);
	return known;
}

/* What is unlocked is locked as a rule. Where to look closely is cheap, nothing is asked beforehand. */
static bool is_about_few_locks(const struct lock_call *call, struct address_range range)
{
	return call->operation == UNLOCK && (range.end - range.start) / page_size() <= FEW_PAGES;
}

/*
 * False: it cannot be known what would have to be restored. Nothing locked in
 * a range that is mapped throughout takes one system call. Where msync says
 * anything else, the call is about to fail, or there are locks to keep.
 */
static bool learn(const struct lock_call *call, struct before *before)
{
	enum observer observer = BY_SMAPS;
	int said;

	*before = (struct before){ .all = call_is_about_all(call), .future = state.future };
	before->range = call_pages(call);
	if (before->all) {
		grow_stack();
		before->unseen = find_locks_before(observer, before) != ALL_KNOWN;
		return true;
	}
	if (before->range.start == before->range.end)
		return true;
	said = is_about_few_locks(call, before->range) ? EBUSY : ask_msync(before->range.start, before->range.end);
	if (said == 0)
		return true;
	if (said == EBUSY && !state.on_fault)
		observer = BY_MSYNC;
	return find_locks_before(observer, before) == ALL_KNOWN;
}

static void note_success(const struct lock_call *call, struct call_lock lock)
{
	if (call->operation == LOCK_ALL)
		state.future = call->flags & MCL_FUTURE ? call->flags & (MCL_FUTURE | MCL_ONFAULT) : 0;
	if (call->operation == UNLOCK_ALL)
		state.future = 0;
	if (!lock.nested)
		return;
	if (state.journaled < JOURNAL)
		state.journal[state.journaled] = *call;
	state.journaled++;
}

/* What signal handlers did since this call began counts as done after it. */
static void replay(size_t journaled, const struct failed_call *failed)
{
	for (size_t i = journaled; i < state.journaled; i++) {
		if (i >= JOURNAL || call_make(&state.journal[i]) < 0) {
			report_trouble(failed, "a-call-of-a-signal-handler-was-undone");
			return;
		}
	}
}

static void undo(const struct lock_call *call, struct before *before, size_t journaled, unsigned forks)
{
	const struct failed_call failed = { call_name(call), call->address, call->length, errno };
	uint64_t found;

	if (before->unseen) {
		report_trouble(&failed, "the-locks-before-the-call-could-not-be-seen");
		return;
	}
	if (before->range.start == before->range.end)
		return;
	found = block_signals();
	if (forks != state.forks) { /* in a handler, and this is the child: it has no locks */
		before->runs.count = 0;
		before->future = 0;
	}
	restore(before, free_room(), &failed);
	replay(journaled, &failed);
	unblock_signals(found);
	errno = failed.error;
}

/*
 * At a page that is not mapped the call fails as it does over the whole range,
 * and changes nothing. False: there is none, or there was one.
 */
static bool fail_at_hole(const struct lock_call *call)
{
	struct address_range pages = call_pages(call), hole = { 0, 0 };
	int error = errno, result;

	if (!call_is_about_all(call) && pages.start < pages.end)
		hole = find_hole(pages);
	errno = error;
	if (hole.start == hole.end)
		return false;
	result = call_make_on(call, hole);
	if (result == 0 && call->operation != UNLOCK)
		inner.munlock((void *)hole.start, hole.end - hole.start);
	return result < 0;
}

static int make(const struct lock_call *call)
{
	struct call_lock lock = call_lock_enter();
	size_t used = state.used, journaled = state.journaled;
	unsigned forks = state.forks;
	int error = errno, result = -1;
	struct before before;

	if (call_is_on_fault(call))
		state.on_fault = true;
	if (fail_at_hole(call)) {
		result = -1;
	} else if (learn(call, &before)) {
		errno = error;
		result = call_make(call);
		if (result < 0)
			undo(call, &before, journaled, forks);
		else
			note_success(call, lock);
	} else {
		errno = EAGAIN;
	}
	state.used = used;
	if (!lock.nested)
		state.journaled = 0;
	call_lock_leave(lock);
	return result;
}

EXPORTED int mlock(const void *address, size_t length)
{
	return make(&(struct lock_call){ LOCK, (uintptr_t)address, length, 0 });
}

EXPORTED int mlock2(const void *address, size_t length, unsigned flags)
{
	return make(&(struct lock_call){ LOCK2, (uintptr_t)address, length, (int)flags });
}

EXPORTED int munlock(const void *address, size_t length)
{
	return make(&(struct lock_call){ UNLOCK, (uintptr_t)address, length, 0 });
}

EXPORTED int mlockall(int flags)
{
	return make(&(struct lock_call){ LOCK_ALL, 0, 0, flags });
}

EXPORTED int munlockall(void)
{
	return make(&(struct lock_call){ UNLOCK_ALL, 0, 0, 0 });
}

static void after_fork(void)
{
	call_lock_after_fork();
	state.future = 0;
	state.forks++;
}

/* glibc keeps pthread_atfork for what is linked to it; what it calls is exported by the library itself. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *object)
	__attribute__((weak));
extern __typeof__(pthread_atfork) pthread_atfork __attribute__((weak));

__attribute__((constructor)) static void start(void)
{
	inner_calls_find();
	report_start();
	if (__register_atfork)
		__register_atfork(NULL, NULL, after_fork, NULL);
	else if (pthread_atfork)
		pthread_atfork(NULL, NULL, after_fork);
}
