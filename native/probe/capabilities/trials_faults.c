/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "capabilities/trials.h"
#include "kernel/libc.h"

/* Locks the middle one of three pages, which has to split their mapping. */
static long lock_with_fault(struct kernel *kernel, long *once_more, bool *reached)
{
	const struct system system = kernel_system(kernel);
	size_t page_size = kernel->page_size;
	unsigned long middle = trial_memory(kernel, 3) + page_size;
	long result;

	if (system.arm(system.self, 1) < 0)
		return 0;
	result = system.mlock(system.self, middle, page_size);
	if (once_more)
		*once_more = system.mlock(system.self, middle, page_size);
	*reached = system.injected(system.self) > 0;
	return result;
}

/* What a shim calls first, its mlock may do without. */
void try_fault(struct kernel *kernel, struct facts *facts)
{
	const struct system system = kernel_system(kernel);
	bool reached = false, failed;

	facts->shim = libc_has_shim && libc_has_shim();
	if (system.prepare_faults(system.self, false) < 0)
		return;
	failed = lock_with_fault(kernel, NULL, &reached) < 0;
	facts->faults[FAULT_EACH_ALLOCATION] = reached && (failed || facts->shim);
}

/* Without a persistent fault the call would succeed when it is made again. */
void try_persistent_fault(struct kernel *kernel, struct facts *facts)
{
	const struct system system = kernel_system(kernel);
	bool reached = false;
	long once_more = 0;

	if (facts->faults[FAULT_EACH_ALLOCATION] && system.prepare_faults(system.self, true) == 0)
		facts->faults[FAULT_FROM_EACH_ALLOCATION] =
			lock_with_fault(kernel, &once_more, &reached) < 0 && reached && once_more < 0;
}

/* More pages than a limit of some lets be resident. The process lives to tell of it, or there is no such limit. */
void try_memory(struct kernel *kernel, struct facts *facts)
{
	enum { SOME = 8, MORE = 256 };
	const struct system system = kernel_system(kernel);
	unsigned long memory = trial_memory(kernel, MORE);
	long result;

	if (!memory || kernel_limit_memory(kernel, SOME) < 0)
		return;
	kernel_enter(kernel);
	result = system.mlock(system.self, memory, MORE * kernel->page_size);
	kernel_exit(kernel);
	facts->limit_memory = result < 0 && system.mlock(system.self, memory, MORE * kernel->page_size) == 0;
}
