/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libfault.so: stands in front of mlock, mlock2, munlock, mlockall, munlockall,
 * msync, and mmap with MAP_LOCKED, and lets them misbehave as LOCKPROOF_FAULT
 * says. docs/inject.md has the language and the log.
 */
#undef _FILE_OFFSET_BITS /* with 64 glibc lets the name mmap stand for mmap64 */
#define _GNU_SOURCE

#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault_log.h"
#include "fault_rules.h"
#include "inner_calls.h"
#include "program/errnames.h"
#include "program/pages.h"

#define EXPORTED __attribute__((visibility("default")))

enum { WRONG_USE = 2, MESSAGE_ROOM = 512 };

/* Counted over all processes that share it, where LOCKPROOF_FAULT_STATE names a file of at least a page. */
struct call_counts {
	_Atomic unsigned long of[CALL_COUNT]; /* ANY: all of them */
	_Atomic unsigned long unlogged;
};

static struct call_counts own_counts;
static struct call_counts *counts = &own_counts;
static struct rules rules;
static struct {
	unsigned long left; /* 0: not armed */
	int error;
	const char *failed;
} armed;

typedef void *mapper(void *address, size_t length, int protection, int flags, int file, off_t offset);

static void *raw_mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
#ifdef SYS_mmap2
	return (void *)syscall(SYS_mmap2, address, length, protection, flags, file, offset >> 12);
#else
	return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
#endif
}

static mapper *next_mmap = raw_mmap;

EXPORTED void lockproof_fault_arm(unsigned long n, int error)
{
	armed.left = n;
	armed.error = error;
	armed.failed = NULL;
}

EXPORTED const char *lockproof_fault_disarm(void)
{
	armed.left = 0;
	return armed.failed;
}

/* A call on its way. */
struct intercepted {
	struct record record;
	int error; /* to report */
};

static void choose(struct intercepted *intercepted)
{
	struct record *record = &intercepted->record;
	const struct rule *rule;

	if (armed.left && --armed.left == 0) {
		armed.failed = call_name(record->call);
		record->manner = FAIL;
		intercepted->error = armed.error;
		return;
	}
	rule = rules_find(&rules, record->call, record->nth, record->of_all);
	if (rule) {
		record->manner = rule->manner;
		intercepted->error = rule->error;
	}
}

static struct intercepted begin(enum lock_function call, const void *address, size_t length, int flags,
				const void *caller)
{
	struct intercepted intercepted = { .record = {
						   .call = call,
						   .nth = atomic_fetch_add(&counts->of[call], 1) + 1,
						   .of_all = atomic_fetch_add(&counts->of[ANY], 1) + 1,
						   .address = (uintptr_t)address,
						   .length = length,
						   .flags = flags,
						   .caller = caller,
					   } };

	choose(&intercepted);
	return intercepted;
}

/* Whether the call is made, as far as it is. */
static bool is_made(const struct intercepted *intercepted)
{
	return intercepted->record.manner == AS_IT_IS || intercepted->record.manner == LATE ||
	       intercepted->record.manner == PART;
}

/* Bytes up to the end of the first half of the pages, of a call that does a part; else all of them. */
static size_t part_of(const struct intercepted *intercepted)
{
	const struct record *record = &intercepted->record;
	const size_t page_size = getauxval(AT_PAGESZ);
	const struct page_range pages = whole_pages(record->address, record->length, page_size);

	if (record->manner != PART)
		return record->length;
	return pages.count > 1 ? (pages.first + pages.count / 2) * page_size - record->address : 0;
}

/* Whether success is reported; sets errno where it is not. */
static bool end(struct intercepted *intercepted, bool worked, int before)
{
	enum manner manner = intercepted->record.manner;
	int error = manner == AS_IT_IS ? (worked ? 0 : errno) : manner == LIE ? 0 : intercepted->error;

	intercepted->record.error = error;
	if (!fault_log(&intercepted->record))
		atomic_fetch_add(&counts->unlogged, 1);
	errno = error ? error : before;
	return !error;
}

EXPORTED int mlock(const void *address, size_t length)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MLOCK, address, length, 0, __builtin_return_address(0));

	if (is_made(&intercepted))
		result = inner.mlock(address, part_of(&intercepted));
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

EXPORTED int mlock2(const void *address, size_t length, unsigned flags)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MLOCK2, address, length, (int)flags, __builtin_return_address(0));

	if (is_made(&intercepted))
		result = inner.mlock2(address, part_of(&intercepted), flags);
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

EXPORTED int munlock(const void *address, size_t length)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MUNLOCK, address, length, 0, __builtin_return_address(0));

	if (is_made(&intercepted))
		result = inner.munlock(address, part_of(&intercepted));
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

/* A part of both is what is mapped now; of one of them there is none. */
EXPORTED int mlockall(int flags)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MLOCKALL, NULL, 0, flags, __builtin_return_address(0));
	bool both = (flags & MCL_CURRENT) && (flags & MCL_FUTURE);

	if (is_made(&intercepted))
		result = inner.mlockall(intercepted.record.manner == PART && both ? flags & ~MCL_FUTURE : flags);
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

/* All or nothing: it has no parts. */
EXPORTED int munlockall(void)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MUNLOCKALL, NULL, 0, 0, __builtin_return_address(0));

	if (is_made(&intercepted))
		result = inner.munlockall();
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

EXPORTED int msync(void *address, size_t length, int flags)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MSYNC, address, length, flags, __builtin_return_address(0));

	if (is_made(&intercepted))
		result = inner.msync(address, part_of(&intercepted), flags);
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

/* The lie is memory that is not locked. */
static void *map(void *address, size_t length, int protection, int flags, int file, off_t offset, const void *caller)
{
	int before = errno;
	struct intercepted intercepted;
	void *memory = NULL;

	if (!(flags & MAP_LOCKED))
		return next_mmap(address, length, protection, flags, file, offset);
	intercepted = begin(MMAP, address, length, flags, caller);
	if (intercepted.record.manner == LIE) {
		memory = next_mmap(address, length, protection, flags & ~MAP_LOCKED, file, offset);
		if (memory == MAP_FAILED)
			intercepted.record.manner = AS_IT_IS;
	} else if (is_made(&intercepted)) {
		memory = next_mmap(address, part_of(&intercepted), protection, flags, file, offset);
	}
	return end(&intercepted, memory != MAP_FAILED, before) ? memory : MAP_FAILED;
}

EXPORTED void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
	return map(address, length, protection, flags, file, offset, __builtin_return_address(0));
}

#if UINTPTR_MAX == UINT64_MAX
/* The same where off_t has 64 bits. */
EXPORTED void *mmap64(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
	return map(address, length, protection, flags, file, offset, __builtin_return_address(0));
}
#endif

/* A program that is treated otherwise than was asked for proves nothing. */
static void refuse(struct text *message)
{
	message->used = message->used < message->size ? message->used : message->size - 1;
	message->bytes[message->used] = '\n';
	syscall(SYS_write, STDERR_FILENO, message->bytes, message->used + 1);
	syscall(SYS_exit_group, WRONG_USE);
}

static void refuse_file(const char *variable)
{
	char buffer[MESSAGE_ROOM], unknown[NAME_ROOM];
	struct text message = text_in(buffer, sizeof(buffer));

	text_format(&message, "libfault: %s: %s: cannot be opened: %s", variable, getenv(variable),
		    error_name(errno, unknown));
	refuse(&message);
}

static void share_counts(const char *variable)
{
	const char *file = getenv(variable);
	void *memory = MAP_FAILED;
	int descriptor;

	if (!file || !*file)
		return;
	descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
	if (descriptor >= 0) {
		memory = raw_mmap(NULL, sizeof(struct call_counts), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
		syscall(SYS_close, descriptor);
	}
	if (memory == MAP_FAILED)
		refuse_file(variable);
	counts = memory;
}

static void start_log(const char *variable)
{
	if (!fault_log_start(getenv(variable)))
		refuse_file(variable);
}

static void read_rules(const char *given)
{
	char buffer[MESSAGE_ROOM];
	struct text message = text_in(buffer, sizeof(buffer));

	text_format(&message, "libfault: LOCKPROOF_FAULT: ");
	if (given && !rules_read(given, &rules, &message))
		refuse(&message);
}

__attribute__((constructor)) static void start(void)
{
	void *found = inner_function("mmap");

	inner_calls_find();
	if (found)
		next_mmap = (mapper *)found;
	share_counts("LOCKPROOF_FAULT_STATE");
	start_log("LOCKPROOF_FAULT_LOG");
	read_rules(getenv("LOCKPROOF_FAULT"));
}
