/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capabilities/trials.h"
#include "kernel/image.h"

/* Each call as a program makes it, on memory that the process has anyway: nothing that it needs is missing. */

static unsigned long own_page(const struct system *system)
{
	static char byte;

	return (unsigned long)&byte / system->page_size * system->page_size;
}

static long ask_mlock(const struct system *system)
{
	return system->mlock(system->self, own_page(system), system->page_size);
}

static long ask_mlock2(const struct system *system)
{
	return system->mlock2(system->self, own_page(system), system->page_size, 0);
}

static long ask_munlock(const struct system *system)
{
	return system->munlock(system->self, own_page(system), system->page_size);
}

/* Of memory to come, which is none in this process: no limit is in the way. */
static long ask_mlockall(const struct system *system)
{
	return system->mlockall(system->self, MCL_FUTURE);
}

static long ask_munlockall(const struct system *system)
{
	return system->munlockall(system->self);
}

static long ask_mmap(const struct system *system)
{
	long address = kernel_mmap(0, system->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0,
				   system->page_size);

	return kernel_is_error(address) ? address : 0;
}

static long ask_munmap(const struct system *system)
{
	long address = kernel_mmap(0, system->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0,
				   system->page_size);

	return kernel_is_error(address) ? address :
					  system->munmap(system->self, (unsigned long)address, system->page_size);
}

static long ask_mprotect(const struct system *system)
{
	return system->mprotect(system->self, own_page(system), system->page_size, PROT_READ | PROT_WRITE);
}

static long ask_madvise(const struct system *system)
{
	return system->madvise(system->self, own_page(system), system->page_size, MADV_NORMAL);
}

static long ask_msync(const struct system *system)
{
	return system->msync(system->self, own_page(system), system->page_size, MS_ASYNC);
}

/* Leaves it where it is, and as large as it is. */
static long ask_mremap(const struct system *system)
{
	long address = kernel_mmap(0, system->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0,
				   system->page_size);

	return kernel_is_error(address) ? address :
					  system->mremap(system->self, (unsigned long)address, system->page_size,
							 (unsigned long)address, system->page_size);
}

static long ask_brk(const struct system *system)
{
	long end = syscall(SYS_brk, 0);

	return end == -1 ? -errno : system->brk(system->self, (unsigned long)end);
}

static long ask_fork(const struct system *system)
{
	long child = system->fork(system->self);

	if (child == 0)
		system->leave(system->self, true);
	return child < 0 ? child : 0;
}

static long ask_exec(const struct system *system)
{
	return kernel_image_try(system->self);
}

static void set_true(void *argument)
{
	*(volatile bool *)argument = true;
}

static long ask_thread(const struct system *system)
{
	bool ran = false;
	long result = system->thread(system->self, set_true, &ran);

	return result || ran ? result : -ENOSYS;
}

static long try_call(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	struct system system = kernel_system(kernel);

	(void)facts;
	return trial->ask(&system);
}

static long try_privilege(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	(void)kernel;
	(void)trial;
	facts->privileged = kernel_may_lock_beyond_limits();
	return 0;
}

const struct trial trials_of_calls[] = {
	{ .name = "mmap", .about = ABOUT_CALL, .run = try_call, .ask = ask_mmap },
	{ .name = "munmap", .about = ABOUT_CALL, .run = try_call, .ask = ask_munmap },
	{ .name = "mprotect", .about = ABOUT_CALL, .run = try_call, .ask = ask_mprotect },
	{ .name = "madvise", .about = ABOUT_CALL, .run = try_call, .ask = ask_madvise },
	{ .name = "msync", .about = ABOUT_CALL, .run = try_call, .ask = ask_msync },
	{ .name = "fork", .about = ABOUT_CALL, .run = try_call, .ask = ask_fork },
	{ .name = "mremap", .about = ABOUT_CALL, .run = try_call, .ask = ask_mremap },
	{ .name = "brk", .about = ABOUT_CALL, .run = try_call, .ask = ask_brk },
	{ .name = "exec", .about = ABOUT_CALL, .run = try_call, .ask = ask_exec },
	{ .name = "thread", .about = ABOUT_CALL, .run = try_call, .ask = ask_thread },
	{ .name = "privileged", .about = ABOUT_FACT, .run = try_privilege },
	{ 0 },
};

const struct trial trials_of_locks[] = {
	{ .name = "mlock", .about = ABOUT_LOCK, .run = try_call, .ask = ask_mlock },
	{ .name = "mlock2", .about = ABOUT_LOCK, .run = try_call, .ask = ask_mlock2 },
	{ .name = "munlock", .about = ABOUT_LOCK, .run = try_call, .ask = ask_munlock },
	{ 0 },
};

const struct trial trials_of_whole_locks[] = {
	{ .name = "mlockall", .about = ABOUT_LOCK, .run = try_call, .ask = ask_mlockall },
	{ .name = "munlockall", .about = ABOUT_LOCK, .run = try_call, .ask = ask_munlockall },
	{ 0 },
};
