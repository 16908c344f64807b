/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/utsname.h>

#include "capabilities/trials.h"
#include "kernel/image.h"

/* Each call with operands that change nothing; fork is tried by all trials. */

static long ask_mlock(const struct system *system)
{
	return system->mlock(system->self, 0, 0);
}

static long ask_mlock2(const struct system *system)
{
	return system->mlock2(system->self, 0, 0, 0);
}

static long ask_munlock(const struct system *system)
{
	return system->munlock(system->self, 0, 0);
}

static long ask_mlockall(const struct system *system)
{
	return system->mlockall(system->self, 0);
}

static long ask_munlockall(const struct system *system)
{
	return system->munlockall(system->self);
}

static long ask_mmap(const struct system *system)
{
	return kernel_mmap(0, 0, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, system->page_size);
}

static long ask_munmap(const struct system *system)
{
	return system->munmap(system->self, 0, 0);
}

static long ask_mprotect(const struct system *system)
{
	return system->mprotect(system->self, 0, 0, PROT_NONE);
}

static long ask_madvise(const struct system *system)
{
	return system->madvise(system->self, 0, 0, MADV_NORMAL);
}

static long ask_msync(const struct system *system)
{
	return system->msync(system->self, 0, 0, MS_ASYNC);
}

static long ask_mremap(const struct system *system)
{
	return system->mremap(system->self, 0, 0, 0, 0);
}

static long ask_brk(const struct system *system)
{
	return system->brk(system->self, 0);
}

/* Tried before all others, where the process may be replaced. */
static long ask_exec(const struct system *system)
{
	return kernel_image_works(system->self) ? 0 : -ENOSYS;
}

static void set_true(void *argument)
{
	*(volatile bool *)argument = true;
}

static long ask_thread(const struct system *system)
{
	bool ran = false;

	return system->thread(system->self, set_true, &ran) == 0 && ran ? 0 : -ENOSYS;
}

static long ask_fork(const struct system *system)
{
	(void)system;
	return 0;
}

static const struct {
	const char *name;
	long (*ask)(const struct system *system);
} calls[] = {
	{ "mlock", ask_mlock },
	{ "mlock2", ask_mlock2 },
	{ "munlock", ask_munlock },
	{ "mlockall", ask_mlockall },
	{ "munlockall", ask_munlockall },
	{ "mmap", ask_mmap },
	{ "munmap", ask_munmap },
	{ "mprotect", ask_mprotect },
	{ "madvise", ask_madvise },
	{ "msync", ask_msync },
	{ "fork", ask_fork },
	{ "mremap", ask_mremap },
	{ "brk", ask_brk },
	{ "exec", ask_exec },
	{ "thread", ask_thread },
};

enum { CALL_COUNT = sizeof(calls) / sizeof(calls[0]) };

_Static_assert((int)CALL_COUNT <= (int)MOST_CALLS, "struct facts has room for all calls");

void try_calls(struct kernel *kernel, struct facts *facts)
{
	struct system system = kernel_system(kernel);

	for (int i = 0; i < CALL_COUNT; i++)
		facts->calls[i] = calls[i].ask(&system) != -ENOSYS;
}

static const struct {
	const char *name;
	bool shared;
} kinds[KIND_COUNT] = {
	[KIND_ANONYMOUS] = { "anonymous", false },
	[KIND_FILE] = { "file", true },
	[KIND_SHARED] = { "shared", true },
	[KIND_SHM] = { "shm", true },
	[KIND_MEMFD] = { "memfd", true },
	[KIND_HUGETLB] = { "hugetlb", false },
	[KIND_SECRETMEM] = { "secretmem", true },
	[KIND_STACK] = { "stack", false },
	[KIND_SYSV] = { "sysv", true },
	[KIND_HEAP] = { "heap", false },
};

static size_t least_pages(const struct kernel *kernel, enum kind kind)
{
	return kind == KIND_HUGETLB && kernel->huge_page_size ? kernel->huge_page_size / kernel->page_size : 1;
}

static bool can_map(struct kernel *kernel, enum kind kind)
{
	size_t pages = least_pages(kernel, kind);
	struct region region = {
		.letter = 'a',
		.kind = kind,
		.protection = PROT_READ | PROT_WRITE,
		.shared = kinds[kind].shared,
		.object_pages = (long)pages,
		.alias = -1,
	};
	unsigned long arena;

	return kernel_declare(kernel, 0, &region) == 0 && kernel_reserve(kernel, pages, &arena) == 0 &&
	       kernel_map(kernel, 0, arena, pages, 0, false) == 0;
}

void try_kinds(struct kernel *kernel, struct facts *facts)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		facts->kinds[kind] = can_map(kernel, (enum kind)kind);
}

/* The kernel cannot write into a guard page either. */
void try_guard(struct kernel *kernel, struct facts *facts)
{
	unsigned long page = trial_memory(kernel, 1);

	if (page && kernel_guard(kernel, page, kernel->page_size) == 0)
		facts->guard = uname((struct utsname *)page) < 0 && errno == EFAULT;
}

const char *call_name(int number)
{
	return number < CALL_COUNT ? calls[number].name : NULL;
}

const char *kind_name(enum kind kind)
{
	return kinds[kind].name;
}
