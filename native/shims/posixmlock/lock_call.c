/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "lock_call.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inner_calls.h"
#include "program/pages.h"

size_t page_size(void)
{
	static _Atomic size_t size;

	if (!size)
		size = getauxval(AT_PAGESZ);
	return size;
}

const char *call_name(const struct lock_call *call)
{
	static const char *const names[] = {
		[LOCK] = "mlock",	 [LOCK2] = "mlock2",	      [UNLOCK] = "munlock",
		[LOCK_ALL] = "mlockall", [UNLOCK_ALL] = "munlockall",
	};

	return names[call->operation];
}

static int make(const struct lock_call *call)
{
	void *address = (void *)call->address;

	switch (call->operation) {
	case LOCK:
		return inner.mlock(address, call->length);
	case LOCK2:
		return inner.mlock2(address, call->length, (unsigned)call->flags);
	case UNLOCK:
		return inner.munlock(address, call->length);
	case LOCK_ALL:
		return inner.mlockall(call->flags);
	case UNLOCK_ALL:
		return inner.munlockall();
	}
	return -1;
}

int call_make(const struct lock_call *call)
{
	return make(call) < 0 ? -errno : 0;
}

int call_make_on(const struct lock_call *call, struct address_range pages)
{
	struct lock_call other = *call;

	other.address = pages.start;
	other.length = pages.end - pages.start;
	return call_make(&other);
}

bool call_is_about_all(const struct lock_call *call)
{
	return call->operation == LOCK_ALL || call->operation == UNLOCK_ALL;
}

enum mode call_mode(const struct lock_call *call)
{
	if (call->operation == UNLOCK || call->operation == UNLOCK_ALL)
		return NOT_LOCKED;
	if (call->operation == LOCK2 && (call->flags & MLOCK_ONFAULT))
		return ON_FAULT;
	if (call->operation == LOCK_ALL && (call->flags & MCL_ONFAULT))
		return ON_FAULT;
	return EAGER;
}

/*
 * Where hardware ignores bits of an address, so do these calls (untagged_addr
 * of arch/arm64 and arch/x86). Without that the kernel finds nothing there,
 * and changes nothing.
 */
static uintptr_t untagged(uintptr_t address)
{
#if defined(__aarch64__) && defined(__LP64__)
	return address & (uintptr_t)((intptr_t)(address << 8) >> 8);
#elif defined(__x86_64__) && defined(__LP64__)
	return address >> 63 ? address : address & ~(UINT64_C(0x3f) << 57);
#else
	return address;
#endif
}

/* No address space goes on to its last page. Thus a kernel that adds in 32 bits finds no bytes there, and one of 64 bits a hole. */
static bool kernel_is_wide(void)
{
#ifdef __LP64__
	return true;
#else
	static _Atomic int answer; /* 1 no, 2 yes */

	if (!answer)
		answer = syscall(SYS_munlock, UINTPTR_MAX - page_size() + 2, SIZE_MAX) == 0 ? 1 : 2;
	return answer == 2;
#endif
}

struct address_range pages_between(uintptr_t address, size_t length, bool wide)
{
	const struct byte_range narrow = linux_whole_pages(address, length, page_size());
	const uint64_t page = page_size(), last = UINTPTR_MAX - page_size() + 1;
	uint64_t start = address - address % page, end = start + narrow.length;

	if (wide)
		end = start + ((length + address % page + page - 1) & ~(page - 1));
	else
		end = (uintptr_t)end;
	if (end < start)
		end = start;
	return (struct address_range){ (uintptr_t)start, (uintptr_t)(end < last ? end : last) };
}

struct address_range call_pages(const struct lock_call *call)
{
	if (call->operation == UNLOCK_ALL || (call->operation == LOCK_ALL && (call->flags & MCL_CURRENT)))
		return (struct address_range){ 0, UINTPTR_MAX };
	if (call->operation == LOCK_ALL)
		return (struct address_range){ 0, 0 };
	return pages_between(untagged(call->address), call->length, kernel_is_wide());
}
