/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "state.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

struct state state;

/* Linux before 4.14 copies the pages; there a process is told by its number, which costs a system call each time. */
static _Atomic bool copied_by_fork;

void state_prepare(void)
{
	int known = atomic_load_explicit(&state.process, memory_order_acquire), process;

	if (known && !copied_by_fork)
		return;
	process = (int)syscall(SYS_getpid);
	if (!known)
		copied_by_fork = syscall(SYS_madvise, &state, sizeof(state), MADV_WIPEONFORK) < 0;
	else if (known != process)
		memset(&state, 0, sizeof(state));
	atomic_store_explicit(&state.process, process, memory_order_release);
}
