/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/kernel.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/process.h"

enum { NOBODY = 65534 };

/* On some 32-bit architectures the first names stand for calls with 16-bit ids. */
#ifdef SYS_setresuid32
enum { CALL_SETGROUPS = SYS_setgroups32, CALL_SETRESGID = SYS_setresgid32, CALL_SETRESUID = SYS_setresuid32 };
#else
enum { CALL_SETGROUPS = SYS_setgroups, CALL_SETRESGID = SYS_setresgid, CALL_SETRESUID = SYS_setresuid };
#endif

/* As in linux/capability.h, which not every C library brings along. */
struct capability_header {
	uint32_t version;
	int pid;
};

struct capability_data {
	uint32_t effective, permitted, inheritable;
};

enum { CAPABILITY_VERSION_3 = 0x20080522 };

long kernel_limit_memlock(void *self, uint64_t bytes)
{
	rlim_t value = bytes == UINT64_MAX ? RLIM_INFINITY : (rlim_t)bytes;
	struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

	(void)self;
	return setrlimit(RLIMIT_MEMLOCK, &limit) < 0 ? -errno : 0;
}

static long drop_capabilities(void)
{
	struct capability_header header = { .version = CAPABILITY_VERSION_3 };
	struct capability_data data[2] = { 0 };

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static long become_nobody(void)
{
	if (syscall(CALL_SETGROUPS, 0, NULL) < 0 || syscall(CALL_SETRESGID, NOBODY, NOBODY, NOBODY) < 0 ||
	    syscall(CALL_SETRESUID, NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	return 0;
}

/* The root of a container may have no other user to become, and is nobody special outside it: giving up the capabilities will do. */
static bool knows_no_other_user(long result)
{
	return result == -EPERM || result == -EINVAL;
}

/* A process that is not dumpable cannot read its own /proc files. */
long kernel_become_unprivileged(void *self)
{
	pid_t parent = getppid();
	long result = 0;

	(void)self;
	if (geteuid() == 0)
		result = become_nobody();
	if (!result || knows_no_other_user(result))
		result = drop_capabilities();
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	process_die_with(parent);
	return result;
}
