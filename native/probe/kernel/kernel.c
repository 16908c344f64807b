/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/kernel.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/image.h"
#include "kernel/libc.h"
#include "kernel/proc.h"
#include "kernel/process.h"
#include "kernel/threads.h"

/* Results of syscall(2) as the kernel gives them. */
static long raw(long result)
{
	return result == -1 ? -errno : result;
}

bool kernel_is_error(long result)
{
	return result < 0 && result >= -4095;
}

long kernel_mmap(unsigned long address, size_t length, int protection, int flags, int file, size_t page,
		 size_t page_size)
{
	if (libc_mmap)
		return libc_mmap(address, length, protection, flags, file, page * page_size);
#if defined(SYS_mmap2)
	return raw(syscall(SYS_mmap2, address, length, protection, flags, file, page * (page_size / 4096)));
#elif defined(__s390x__)
	/* The call takes the address of its arguments, and C libraries differ in who has to put them there. */
	return raw((long)mmap((void *)address, length, protection, flags, file, (off_t)(page * page_size)));
#else
	return raw(syscall(SYS_mmap, address, length, protection, flags, file, page * page_size));
#endif
}

static long kernel_mlock(void *self, unsigned long address, size_t length)
{
	(void)self;
	return raw(syscall(SYS_mlock, address, length));
}

static long kernel_mlock2(void *self, unsigned long address, size_t length, int flags)
{
	(void)self;
#ifdef SYS_mlock2
	return raw(syscall(SYS_mlock2, address, length, flags));
#else
	(void)address;
	(void)length;
	(void)flags;
	return -ENOSYS;
#endif
}

static long kernel_munlock(void *self, unsigned long address, size_t length)
{
	(void)self;
	return raw(syscall(SYS_munlock, address, length));
}

static long kernel_mlockall(void *self, int flags)
{
	(void)self;
	return raw(syscall(SYS_mlockall, flags));
}

static long kernel_munlockall(void *self)
{
	(void)self;
	return raw(syscall(SYS_munlockall));
}

static long kernel_munmap(void *self, unsigned long address, size_t length)
{
	(void)self;
	return raw(syscall(SYS_munmap, address, length));
}

static long kernel_mprotect(void *self, unsigned long address, size_t length, int protection)
{
	(void)self;
	return raw(syscall(SYS_mprotect, address, length, protection));
}

static long kernel_madvise(void *self, unsigned long address, size_t length, int advice)
{
	(void)self;
	return raw(syscall(SYS_madvise, address, length, advice));
}

static long kernel_msync(void *self, unsigned long address, size_t length, int flags)
{
	(void)self;
	return raw(syscall(SYS_msync, address, length, flags));
}

static long kernel_mremap(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	long result = raw(syscall(SYS_mremap, address, length, new_length,
				  to == address ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED, to));

	(void)self;
	return kernel_is_error(result) ? result : 0;
}

static long kernel_mremap_and_stay(void *self, unsigned long address, size_t length, unsigned long to,
				   size_t new_length)
{
	enum { DONTUNMAP = 4 }; /* MREMAP_DONTUNMAP, Linux 5.7 */
	long result =
		raw(syscall(SYS_mremap, address, length, new_length, MREMAP_MAYMOVE | MREMAP_FIXED | DONTUNMAP, to));

	(void)self;
	return kernel_is_error(result) ? result : 0;
}

/* What ends the child must be seen to end the execution, so the parent ends of it too. */
static long kernel_fork(void *self)
{
	long child = process_fork();

	if (child == 0) {
		kernel_faults_inherit(&((struct kernel *)self)->faults);
		kernel_observe_anew(self);
	}
	if (child > 0)
		process_die_like(process_wait((pid_t)child));
	return child;
}

static void kernel_leave(void *self, bool well)
{
	(void)self;
	process_exit(well ? 0 : 1);
}

static const char *kernel_explain(void *self)
{
	const struct kernel *kernel = self;

	return kernel->explanation;
}

void kernel_start(struct kernel *kernel, bool alone)
{
	long huge_page_kib = proc_number("/proc/meminfo", "Hugepagesize:");
	long thp_size = proc_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "");

	*kernel = (struct kernel){ .page_size = (size_t)sysconf(_SC_PAGESIZE), .alone = alone };
	kernel->smaps_file = kernel->status_file = -1;
	kernel->huge_page_size = huge_page_kib > 0 ? (size_t)huge_page_kib * 1024 : 0;
	kernel->thp_size = thp_size > 0 ? (size_t)thp_size : 0;
	kernel->max_map_count = proc_number("/proc/sys/vm/max_map_count", "");
	kernel_faults_start(&kernel->faults);
	memory_limit_start(&kernel->memory);
	reclaim_start(&kernel->reclaim);
}

void kernel_stop(struct kernel *kernel)
{
	memory_limit_stop(&kernel->memory);
	reclaim_stop(&kernel->reclaim);
	if (!kernel->alone)
		kernel_faults_stop(&kernel->faults);
}

struct system kernel_raw_system(struct kernel *kernel)
{
	return (struct system){
		.self = kernel,
		.page_size = kernel->page_size,
		.reserve = kernel_reserve,
		.declare = kernel_declare,
		.map = kernel_map,
		.guard = kernel_guard,
		.advise_huge = kernel_advise_huge,
		.limit_memlock = kernel_limit_memlock,
		.limit_mappings = kernel_limit_mappings,
		.limit_memory = kernel_limit_memory,
		.become_unprivileged = kernel_become_unprivileged,
		.explain = kernel_explain,
		.limit_changed = kernel_limit_changed,
		.mlock = kernel_mlock,
		.mlock2 = kernel_mlock2,
		.munlock = kernel_munlock,
		.mlockall = kernel_mlockall,
		.munlockall = kernel_munlockall,
		.munmap = kernel_munmap,
		.mprotect = kernel_mprotect,
		.madvise = kernel_madvise,
		.msync = kernel_msync,
		.touch = kernel_touch,
		.page_faults = kernel_page_faults,
		.map_locked = kernel_map_locked,
		.mremap = kernel_mremap,
		.mremap_and_stay = kernel_mremap_and_stay,
		.brk = kernel_brk,
		.setrlimit = kernel_setrlimit,
		.ftruncate = kernel_ftruncate,
		.shmctl = kernel_shmctl,
		.exec = kernel_exec,
		.vfork = kernel_vfork,
		.posix_spawn = kernel_posix_spawn,
		.make_thread_stack = kernel_make_thread_stack,
		.thread = kernel_thread,
		.make_threads = kernel_make_threads,
		.at_once = kernel_at_once,
		.fork = kernel_fork,
		.leave = kernel_leave,
		.prepare_faults = kernel_prepare_faults,
		.arm = kernel_arm,
		.injected = kernel_injected,
		.stack = kernel_stack,
		.enter = kernel_enter,
		.exit = kernel_exit,
		.settle = kernel_settle,
		.prepare_reclaim = kernel_prepare_reclaim,
		.reclaim = kernel_reclaim,
		.observe = kernel_observe,
	};
}

struct system kernel_system(struct kernel *kernel)
{
	struct system system = kernel_raw_system(kernel);

	if (libc_take_over)
		libc_take_over(&system);
	return system;
}
