/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libfault.so: stands in front of mlock, mlock2, munlock, mlockall, munlockall,
 * msync, and mmap where it locks (with MAP_LOCKED, or once MCL_FUTURE is in
 * force), and lets them misbehave as LOCKPROOF_FAULT says. docs/inject.md has
 * the language and the log.
 */
#undef _FILE_OFFSET_BITS /* with 64 glibc lets the name mmap stand for mmap64 */
#define _GNU_SOURCE

#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
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
#include "raw_call.h"

#define EXPORTED __attribute__((visibility("default")))

enum { WRONG_USE = 2, MESSAGE_ROOM = 512 };

/* Counted over all processes that share it, where LOCKPROOF_FAULT_STATE names a file of at least a page. */
struct call_counts {
	_Atomic unsigned long of[CALL_COUNT]; /* ANY: all of them */
};

static struct call_counts own_counts;
static struct call_counts *counts = &own_counts;
static struct rules rules;
static _Atomic int locks_future; /* the process whose new mappings are locked, as it asked with MCL_FUTURE */
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
	const void *caller; /* the address that it returns to */
	int error;	    /* to report */
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
					   },
					   .caller = caller };

	choose(&intercepted);
	return intercepted;
}

static bool is_made(const struct intercepted *intercepted)
{
	return record_is_made(&intercepted->record);
}

static size_t part_of(const struct intercepted *intercepted)
{
	return record_part(&intercepted->record, getauxval(AT_PAGESZ));
}

/* Whether success is reported; sets errno where it is not. */
static bool end(struct intercepted *intercepted, bool worked, int before)
{
	enum manner manner = intercepted->record.manner;
	int error = manner == AS_IT_IS ? (worked ? 0 : errno) : manner == LIE ? 0 : intercepted->error;

	intercepted->record.error = error;
	fault_log(&intercepted->record, intercepted->caller);
	errno = error ? error : before;
	return !error;
}

static int on_mlock(const void *address, size_t length, const void *caller)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MLOCK, address, length, 0, caller);

	if (is_made(&intercepted))
		result = inner.mlock(address, part_of(&intercepted));
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

static int on_mlock2(const void *address, size_t length, unsigned flags, const void *caller)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MLOCK2, address, length, (int)flags, caller);

	if (is_made(&intercepted))
		result = inner.mlock2(address, part_of(&intercepted), flags);
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

static int on_munlock(const void *address, size_t length, const void *caller)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MUNLOCK, address, length, 0, caller);

	if (is_made(&intercepted))
		result = inner.munlock(address, part_of(&intercepted));
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

/* Makes the call, and notes what it says of mappings to come. A forked process does not inherit that (mlockall(2)). */
static int lock_all(int flags)
{
	int result = inner.mlockall(flags);

	if (result == 0)
		locks_future = flags & MCL_FUTURE ? (int)syscall(SYS_getpid) : 0;
	return result;
}

/* A part of both is what is mapped now; of one of them there is none. */
static int on_mlockall(int flags, const void *caller)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MLOCKALL, NULL, 0, flags, caller);
	bool both = (flags & MCL_CURRENT) && (flags & MCL_FUTURE);

	if (is_made(&intercepted))
		result = lock_all(intercepted.record.manner == PART && both ? flags & ~MCL_FUTURE : flags);
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

/* All or nothing: it has no parts. */
static int on_munlockall(const void *caller)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MUNLOCKALL, NULL, 0, 0, caller);

	if (is_made(&intercepted))
		result = inner.munlockall();
	if (is_made(&intercepted) && result == 0)
		locks_future = 0;
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

EXPORTED int mlock(const void *address, size_t length)
{
	return on_mlock(address, length, __builtin_return_address(0));
}

EXPORTED int mlock2(const void *address, size_t length, unsigned flags)
{
	return on_mlock2(address, length, flags, __builtin_return_address(0));
}

EXPORTED int munlock(const void *address, size_t length)
{
	return on_munlock(address, length, __builtin_return_address(0));
}

EXPORTED int mlockall(int flags)
{
	return on_mlockall(flags, __builtin_return_address(0));
}

EXPORTED int munlockall(void)
{
	return on_munlockall(__builtin_return_address(0));
}

#ifdef HAS_RAW_CALL
/*
 * The libc's function of this name, by which OpenSSL calls mlock2, with the
 * same effect on errno. Calls of this library itself are made as they are.
 */
EXPORTED long syscall(long number, ...)
{
	extern const char __ehdr_start[] __attribute__((visibility("hidden")));
	extern const char _end[] __attribute__((visibility("hidden")));
	const char *caller = __builtin_return_address(0);
	long given[RAW_ARGUMENTS];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < RAW_ARGUMENTS; i++)
		given[i] = va_arg(list, long);
	va_end(list);
	if (caller >= __ehdr_start && caller < _end)
		return raw_call(number, given);
	switch (number) {
	case SYS_mlock:
		return on_mlock((const void *)given[0], (size_t)given[1], caller);
	case SYS_mlock2:
		return on_mlock2((const void *)given[0], (size_t)given[1], (unsigned)given[2], caller);
	case SYS_munlock:
		return on_munlock((const void *)given[0], (size_t)given[1], caller);
	case SYS_mlockall:
		return on_mlockall((int)given[0], caller);
	case SYS_munlockall:
		return on_munlockall(caller);
	default:
		return raw_call(number, given);
	}
}
#endif

EXPORTED int msync(void *address, size_t length, int flags)
{
	int before = errno, result = 0;
	struct intercepted intercepted = begin(MSYNC, address, length, flags, __builtin_return_address(0));

	if (is_made(&intercepted))
		result = inner.msync(address, part_of(&intercepted), flags);
	return end(&intercepted, result == 0, before) ? 0 : -1;
}

static bool is_locked_future(void)
{
	return locks_future && locks_future == (int)syscall(SYS_getpid);
}

/* What MCL_FUTURE has locked is unlocked again. */
static void *map_unlocked(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
	void *memory = next_mmap(address, length, protection, flags & ~MAP_LOCKED, file, offset);

	if (memory != MAP_FAILED && is_locked_future())
		inner.munlock(memory, length);
	return memory;
}

/* The lie is memory that is not locked. */
static void *map(void *address, size_t length, int protection, int flags, int file, off_t offset, const void *caller)
{
	int before = errno;
	struct intercepted intercepted;
	void *memory = NULL;

	if (!(flags & MAP_LOCKED) && !is_locked_future())
		return next_mmap(address, length, protection, flags, file, offset);
	intercepted = begin(MMAP, address, length, flags, caller);
	if (intercepted.record.manner == LIE) {
		memory = map_unlocked(address, length, protection, flags, file, offset);
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
