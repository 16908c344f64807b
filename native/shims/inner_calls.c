/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "inner_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not in every libc's library that is always loaded. */
extern __typeof__(dlsym) dlsym __attribute__((weak));

static int raw_mlock(const void *address, size_t length)
{
	return (int)syscall(SYS_mlock, address, length);
}

static int raw_mlock2(const void *address, size_t length, unsigned flags)
{
#ifdef SYS_mlock2
	return (int)syscall(SYS_mlock2, address, length, flags);
#else
	(void)address;
	(void)length;
	(void)flags;
	errno = ENOSYS;
	return -1;
#endif
}

static int raw_munlock(const void *address, size_t length)
{
	return (int)syscall(SYS_munlock, address, length);
}

static int raw_mlockall(int flags)
{
	return (int)syscall(SYS_mlockall, flags);
}

static int raw_munlockall(void)
{
	return (int)syscall(SYS_munlockall);
}

static int raw_msync(void *address, size_t length, int flags)
{
	return (int)syscall(SYS_msync, address, length, flags);
}

struct inner_calls inner = {
	.mlock = raw_mlock,
	.mlock2 = raw_mlock2,
	.munlock = raw_munlock,
	.mlockall = raw_mlockall,
	.munlockall = raw_munlockall,
	.msync = raw_msync,
};

void *inner_function(const char *name)
{
	return dlsym ? dlsym(RTLD_NEXT, name) : NULL;
}

/* POSIX gives dlsym's void pointer a meaning as a pointer to a function; ISO C has no conversion for it. */
#define FIND(function)                                                                                                 \
	do {                                                                                                           \
		void *found = inner_function(#function);                                                               \
		if (found)                                                                                             \
			inner.function = (__typeof__(inner.function))found;                                            \
	} while (0)

void inner_calls_find(void)
{
	FIND(mlock);
	FIND(mlock2);
	FIND(munlock);
	FIND(mlockall);
	FIND(munlockall);
	FIND(msync);
}
