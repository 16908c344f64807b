/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes of the probe one that breaks its kernel on demand: linked to it with
 * --wrap=syscall, by tests/test_guest_trouble.py. mlockall with one of the
 * flags below, which Linux does not have, is the demand.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PANIC = 1001, REBOOT, TAINT, SPLAT };

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

static void put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		_exit(1);
	close(file);
}

static void break_kernel(long flags)
{
	switch (flags) {
	case PANIC:
		put("/proc/sysrq-trigger", "c");
		break;
	case REBOOT:
		reboot(RB_AUTOBOOT);
		break;
	case TAINT:
		put("/proc/sys/kernel/tainted", "512");
		break;
	case SPLAT: /* as a kernel with KASAN would say it, and go on */
		put("/dev/kmsg", "<1>BUG: KASAN: slab-use-after-free in mlock_fixup+0x1f3/0x2a0\n");
		break;
	}
}

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_mlockall)
		break_kernel(a);
	return __real_syscall(number, a, b, c, d, e, f);
}
