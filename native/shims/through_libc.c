/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lets the probe make the calls under test as a program does: by the functions
 * of its libc, or of what was loaded in front of it. Looking at what they did
 * stays raw. Where libfault.so was loaded, a sweep fails its calls in turn.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "kernel/libc.h"
#include "kernel/process.h"
#include "program/text.h"

static long raw(int result)
{
	return result < 0 ? -errno : result;
}

static long libc_mlock(void *self, unsigned long address, size_t length)
{
	(void)self;
	return raw(mlock((void *)address, length));
}

static long libc_mlock2(void *self, unsigned long address, size_t length, int flags)
{
	(void)self;
	return raw(mlock2((void *)address, length, (unsigned)flags));
}

static long libc_munlock(void *self, unsigned long address, size_t length)
{
	(void)self;
	return raw(munlock((void *)address, length));
}

static long libc_mlockall(void *self, int flags)
{
	(void)self;
	return raw(mlockall(flags));
}

static long libc_munlockall(void *self)
{
	(void)self;
	return raw(munlockall());
}

static long libc_munmap(void *self, unsigned long address, size_t length)
{
	(void)self;
	return raw(munmap((void *)address, length));
}

static long libc_mprotect(void *self, unsigned long address, size_t length, int protection)
{
	(void)self;
	return raw(mprotect((void *)address, length, protection));
}

static long libc_madvise(void *self, unsigned long address, size_t length, int advice)
{
	(void)self;
	return raw(madvise((void *)address, length, advice));
}

static long libc_msync(void *self, unsigned long address, size_t length, int flags)
{
	(void)self;
	return raw(msync((void *)address, length, flags));
}

/* A fork by libc runs what was registered with pthread_atfork. */
static long libc_fork(void *self)
{
	pid_t parent = getpid(), child = fork();

	(void)self;
	if (child == 0)
		process_die_with(parent);
	if (child > 0)
		process_die_like(process_wait(child));
	return raw(child);
}

long libc_mmap(unsigned long address, size_t length, int protection, int flags, int file, size_t offset)
{
	void *memory = mmap((void *)address, length, protection, flags, file, (off_t)offset);

	return memory == MAP_FAILED ? -errno : (long)memory;
}

static struct {
	__typeof__(lockproof_fault_arm) *arm;
	__typeof__(lockproof_fault_disarm) *disarm;
	const char *failed;
} shim;

static long prepare_faults(void *self, bool persistent, enum allocations which)
{
	(void)self;
	return persistent || which != ANY_ALLOCATION ? -ENOSYS : 0;
}

static long arm(void *self, unsigned long n)
{
	(void)self;
	shim.arm(n, EAGAIN);
	return 0;
}

static long injected(void *self)
{
	(void)self;
	shim.failed = shim.disarm();
	return shim.failed != NULL;
}

static int stack(void *self, char *names, size_t size)
{
	struct text text = text_in(names, size);

	(void)self;
	text_format(&text, "%s", shim.failed);
	text_close(&text);
	return 1;
}

bool libc_has_shim(void)
{
	shim.arm = (__typeof__(shim.arm))dlsym(RTLD_DEFAULT, "lockproof_fault_arm");
	shim.disarm = (__typeof__(shim.disarm))dlsym(RTLD_DEFAULT, "lockproof_fault_disarm");
	return shim.arm && shim.disarm;
}

void libc_take_over(struct system *system)
{
	system->mlock = libc_mlock;
	system->mlock2 = libc_mlock2;
	system->munlock = libc_munlock;
	system->mlockall = libc_mlockall;
	system->munlockall = libc_munlockall;
	system->munmap = libc_munmap;
	system->mprotect = libc_mprotect;
	system->madvise = libc_madvise;
	system->msync = libc_msync;
	system->fork = libc_fork;
	if (!libc_has_shim())
		return;
	system->prepare_faults = prepare_faults;
	system->arm = arm;
	system->injected = injected;
	system->stack = stack;
}

/*
 * A loader goes on without a library that it cannot load, and a program that is
 * linked statically has no loader: what is then seen would be of the libc alone.
 */
__attribute__((constructor)) static void be_behind_what_was_asked_for(void)
{
	const char *all = getenv("LD_PRELOAD");
	char name[PATH_MAX];

	for (size_t length; all && *all; all += length + (all[length] == ':')) {
		length = strcspn(all, ":");
		snprintf(name, sizeof(name), "%.*s", (int)length, all);
		if (length == 0 || dlopen(name, RTLD_LAZY | RTLD_NOLOAD))
			continue;
		fprintf(stderr,
			"%s is not in front of the probe, where LD_PRELOAD wants it: it is not there, for another "
			"architecture, or the probe is linked statically\n",
			name);
		_exit(2);
	}
}
