/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The memory controller of cgroup2. A charge beyond memory.max calls the OOM
 * killer, which finds nobody whom it may kill in the group: then the charge
 * fails, and with it what was to be made resident. Files are opened while the
 * process may, and written to when it may no longer open them.
 */
#define _GNU_SOURCE

#include "kernel/memory_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "kernel/proc.h"
#include "kernel/warm_up.h"

enum { NUMBER_ROOM = 24 };

void memory_limit_start(struct memory_limit *memory)
{
	memory->current = memory->limit = -1;
	cgroup_make(memory->group, "", "memory.max");
	if (*memory->group)
		proc_write_in(memory->group, "memory.swap.max", "0"); /* not there in a kernel without swap */
}

void memory_limit_stop(struct memory_limit *memory)
{
	cgroup_remove(memory->group);
}

static long enter_group(const char *group)
{
	long result = proc_write_in("/proc/self", "oom_score_adj", "-1000");

	return result < 0 ? result : cgroup_enter(group);
}

long kernel_limit_memory(void *self, size_t pages)
{
	struct memory_limit *memory = &((struct kernel *)self)->memory;
	long result;

	if (!*memory->group)
		return -EOPNOTSUPP;
	memory->current = proc_open_in(memory->group, "memory.current", O_RDONLY);
	memory->limit = proc_open_in(memory->group, "memory.max", O_WRONLY);
	memory->pages = pages;
	memory->most = 0;
	result = memory->current < 0 || memory->limit < 0 ? -errno : enter_group(memory->group);
	if (result < 0)
		memory->limit = -1;
	return result;
}

static unsigned long long read_current(const struct memory_limit *memory)
{
	long long bytes = proc_number_at(memory->current);

	return bytes < 0 ? 0 : (unsigned long long)bytes;
}

static void write_limit(const struct memory_limit *memory, unsigned long long bytes)
{
	char digits[NUMBER_ROOM];
	size_t first = sizeof(digits);
	ssize_t ignored;

	do {
		digits[--first] = (char)('0' + bytes % 10);
		bytes /= 10;
	} while (bytes);
	ignored = pwrite(memory->limit, digits + first, sizeof(digits) - first, 0);
	(void)ignored;
}

static void lift_limit(const struct memory_limit *memory)
{
	ssize_t ignored = pwrite(memory->limit, "max", 3, 0);

	(void)ignored;
}

/* A limit below what is charged makes the kernel give back what it had charged in advance, so that the count is true. */
static unsigned long long limit_from_now(const struct kernel *kernel)
{
	const struct memory_limit *memory = &kernel->memory;
	unsigned long long current = read_current(memory);

	if (current > kernel->page_size) {
		write_limit(memory, current - kernel->page_size);
		lift_limit(memory);
	}
	return read_current(memory) + (unsigned long long)memory->pages * kernel->page_size;
}

void kernel_enter(void *self)
{
	struct kernel *kernel = self;

	if (kernel->memory.limit < 0)
		return;
	warm_up();
	if (!kernel->memory.most)
		kernel->memory.most = limit_from_now(kernel);
	write_limit(&kernel->memory, kernel->memory.most);
}

void kernel_exit(void *self)
{
	const struct kernel *kernel = self;

	if (kernel->memory.limit >= 0)
		lift_limit(&kernel->memory);
}
