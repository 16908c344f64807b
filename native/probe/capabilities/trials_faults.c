/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <unistd.h>

#include "capabilities/trials.h"
#include "kernel/files.h"
#include "kernel/libc.h"

/*
 * Gives the middle one of three pages a protection of its own, for which their
 * mapping has to be split: the kernel allocates as it does for a lock. Where a
 * shim fails its calls in turn, only those of memory locking pass it.
 */
static long split(const struct facts *facts, const struct system *system, unsigned long middle)
{
	if (facts->shim)
		return system->mlock(system->self, middle, system->page_size);
	return system->mprotect(system->self, middle, system->page_size, PROT_READ);
}

static long split_with_fault(struct kernel *kernel, const struct facts *facts, long *once_more, bool *reached)
{
	const struct system system = kernel_system(kernel);
	unsigned long middle = trial_memory(kernel, 3) + kernel->page_size;
	long result;

	if (system.arm(system.self, 1) < 0)
		return 0;
	result = split(facts, &system, middle);
	if (once_more)
		*once_more = split(facts, &system, middle);
	*reached = system.injected(system.self) > 0;
	return result;
}

/* What a shim calls first, its mlock may do without. */
static long try_fault(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	const struct system system = kernel_system(kernel);
	bool reached = false, failed;

	(void)trial;
	facts->shim = libc_has_shim && libc_has_shim();
	if (system.prepare_faults(system.self, false, ANY_ALLOCATION) < 0)
		return 0;
	failed = split_with_fault(kernel, facts, NULL, &reached) < 0;
	facts->faults[FAULT_EACH_ALLOCATION] = reached && (failed || facts->shim);
	return 0;
}

/* Without a persistent fault the call would succeed when it is made again. */
static long try_persistent_fault(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	const struct system system = kernel_system(kernel);
	bool reached = false;
	long once_more = 0;

	(void)trial;
	if (facts->faults[FAULT_EACH_ALLOCATION] && system.prepare_faults(system.self, true, ANY_ALLOCATION) == 0)
		facts->faults[FAULT_FROM_EACH_ALLOCATION] =
			split_with_fault(kernel, facts, &once_more, &reached) < 0 && reached && once_more < 0;
	return 0;
}

/* The kernel brings pages in as it copies a file into them; where it cannot, it copies less. */
static bool can_fill(unsigned long memory, size_t length, int file)
{
	return pread(file, (void *)memory, length, 0) == (ssize_t)length;
}

/*
 * With faults of slab objects alone a mapping cannot be split; with faults of
 * pages alone, a page cannot come in, also when the kernel tries a second time.
 */
static long try_faults_apart(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	const struct system system = kernel_system(kernel);
	unsigned long page = trial_memory(kernel, 1);
	int file = (int)file_in_memory();
	bool split_failed, split_reached = false, filled;

	(void)trial;
	if (!facts->faults[FAULT_EACH_ALLOCATION] || !page || file < 0 ||
	    ftruncate(file, (off_t)kernel->page_size) < 0 ||
	    system.prepare_faults(system.self, false, SLAB_ALLOCATION) < 0)
		return 0;
	split_failed = split_with_fault(kernel, facts, NULL, &split_reached) < 0;
	if (system.prepare_faults(system.self, true, PAGE_ALLOCATION) < 0 || system.arm(system.self, 1) < 0)
		return 0;
	filled = can_fill(page, kernel->page_size, file);
	facts->faults_apart = system.injected(system.self) > 0 && !filled && split_failed && split_reached;
	return 0;
}

/* More pages than a limit of some lets be resident. The process lives to tell of it, or there is no such limit. */
static long try_memory(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	enum { SOME = 8, MORE = 256 };
	size_t length = MORE * kernel->page_size;
	unsigned long memory = trial_memory(kernel, MORE);
	int file = (int)file_in_memory();
	bool filled;

	(void)trial;
	if (!memory || file < 0 || ftruncate(file, (off_t)length) < 0 || kernel_limit_memory(kernel, SOME) < 0)
		return 0;
	kernel_enter(kernel);
	filled = can_fill(memory, length, file);
	kernel_exit(kernel);
	facts->limit_memory = !filled && can_fill(memory, length, file);
	return 0;
}

const struct trial trials_of_faults[] = {
	{ .name = "each-allocation", .about = ABOUT_FACT, .run = try_fault },
	{ .name = "from-each-allocation", .about = ABOUT_FACT, .run = try_persistent_fault },
	{ .name = "apart", .about = ABOUT_FACT, .run = try_faults_apart },
	{ .name = "memory", .about = ABOUT_FACT, .run = try_memory },
	{ 0 },
};
