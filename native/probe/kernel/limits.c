/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/kernel.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/process.h"

enum { NOBODY = 65534, NO_USER = 0x7f000000, USUAL_STACK = 8 << 20 };

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

enum {
	CAPABILITY_VERSION_3 = 0x20080522,
	CAPABILITY_IPC_LOCK = 14,
	CAPABILITY_SYS_NICE = 23,
	CAPABILITY_SYS_RESOURCE = 24,
};

/* The inode of the first user namespace (include/linux/proc_ns.h). */
static const ino_t first_user_namespace = 0xEFFFFFFD;

static const struct {
	int resource;
	const char *name;
} kept[LIMITS_KEPT] = {
	[KEPT_MEMLOCK] = { RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK" },
	[KEPT_AS] = { RLIMIT_AS, "RLIMIT_AS" },
	[KEPT_DATA] = { RLIMIT_DATA, "RLIMIT_DATA" },
	[KEPT_STACK] = { RLIMIT_STACK, "RLIMIT_STACK" },
};

/* To at least so many bytes, or as near as it goes. */
static void raise_limit(int resource, rlim_t least)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0 || limit.rlim_cur >= least)
		return;
	if (setrlimit(resource, &(struct rlimit){ least, limit.rlim_max > least ? limit.rlim_max : least }) < 0) {
		limit.rlim_cur = limit.rlim_max < least ? limit.rlim_max : least;
		setrlimit(resource, &limit);
	}
}

static rlim_t limit_now(int resource)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

	getrlimit(resource, &limit);
	return limit.rlim_cur;
}

void kernel_raise_limits(struct kernel *kernel)
{
	raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
	raise_limit(RLIMIT_STACK, USUAL_STACK);
	raise_limit(RLIMIT_FSIZE, RLIM_INFINITY);
	for (int i = 0; i < LIMITS_KEPT; i++)
		kernel->limits[i] = limit_now(kept[i].resource);
}

const char *kernel_limit_changed(void *self)
{
	const struct kernel *kernel = self;

	for (int i = 0; i < LIMITS_KEPT; i++) {
		if (limit_now(kept[i].resource) != kernel->limits[i])
			return kept[i].name;
	}
	return NULL;
}

static rlim_t limit_of(uint64_t bytes)
{
	return bytes == UINT64_MAX ? RLIM_INFINITY : (rlim_t)bytes;
}

long kernel_limit_memlock(void *self, uint64_t bytes)
{
	return kernel_setrlimit(self, bytes, bytes);
}

long kernel_setrlimit(void *self, uint64_t soft, uint64_t hard)
{
	struct kernel *kernel = self;
	struct rlimit limit = { .rlim_cur = limit_of(soft), .rlim_max = limit_of(hard) };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return -errno;
	kernel->limits[KEPT_MEMLOCK] = limit_now(RLIMIT_MEMLOCK);
	return 0;
}

/* Of those in force. A kernel that knows no capabilities gives all of them to root. */
static bool has_capability(int capability)
{
	struct capability_header header = { .version = CAPABILITY_VERSION_3 };
	struct capability_data data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return geteuid() == 0;
	return data[0].effective & 1U << capability;
}

/* For this the kernel looks at the capability in the first user namespace. Leaves a limit of its own behind. */
static bool may_raise_limits(void)
{
	struct rlimit limit = { 0 };

	if (!has_capability(CAPABILITY_SYS_RESOURCE) || setrlimit(RLIMIT_CORE, &limit) < 0)
		return false;
	limit.rlim_max = 1;
	return setrlimit(RLIMIT_CORE, &limit) == 0;
}

/* And for this. */
static bool may_raise_priority(void)
{
	int priority = getpriority(PRIO_PROCESS, 0);

	return has_capability(CAPABILITY_SYS_NICE) && setpriority(PRIO_PROCESS, 0, priority + 1) == 0 &&
	       setpriority(PRIO_PROCESS, 0, priority) == 0;
}

/* In another user namespace a process has its capabilities, but not over limits. Where /proc does not tell, other capabilities do. */
static bool is_in_first_user_namespace(void)
{
	struct stat about;

	if (stat("/proc/self/ns/user", &about) == 0 && about.st_ino == first_user_namespace)
		return true;
	return may_raise_limits() || may_raise_priority();
}

/* mm/mlock.c, can_do_mlock(): the capability counts in the first user namespace only. */
bool kernel_may_lock_beyond_limits(void)
{
	return has_capability(CAPABILITY_IPC_LOCK) && is_in_first_user_namespace();
}

static long drop_capabilities(void)
{
	struct capability_header header = { .version = CAPABILITY_VERSION_3 };
	struct capability_data data[2] = { 0 };

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static long become(long user)
{
	if (syscall(CALL_SETGROUPS, 0, NULL) < 0 || syscall(CALL_SETRESGID, user, user, user) < 0 ||
	    syscall(CALL_SETRESUID, user, user, user) < 0)
		return -errno;
	return 0;
}

/* What the system counts by user (SHM_LOCK) is then nobody else's. The root of a container may have fewer users. */
static long become_nobody(void)
{
	long result = become(NO_USER + getpid());

	return result == -EINVAL ? become(NOBODY) : result;
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
