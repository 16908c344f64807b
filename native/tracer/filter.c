/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"

enum { MOST_INSTRUCTIONS = 64 };

struct filter {
	struct sock_filter instructions[MOST_INSTRUCTIONS];
	unsigned short count;
};

static void add(struct filter *filter, struct sock_filter instruction)
{
	filter->instructions[filter->count++] = instruction;
}

static void load(struct filter *filter, size_t offset)
{
	add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void give(struct filter *filter, uint32_t action)
{
	add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Goes on with the next instruction where the value is that, else behind so many. */
static void unless(struct filter *filter, uint32_t value, uint8_t behind)
{
	add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, behind));
}

static void add_machine(struct filter *filter, const struct call_numbers *numbers)
{
	uint8_t calls = 0;

	for (int call = 0; call < ANY; call++)
		calls += numbers->of[call] >= 0;
	load(filter, offsetof(struct seccomp_data, arch));
	unless(filter, numbers->machine, (uint8_t)(2 * calls + 2));
	load(filter, offsetof(struct seccomp_data, nr));
	for (int call = 0; call < ANY; call++) {
		if (numbers->of[call] < 0)
			continue;
		unless(filter, (uint32_t)numbers->of[call], 1);
		give(filter, SECCOMP_RET_TRACE);
	}
	give(filter, SECCOMP_RET_ALLOW);
}

/* Who has no privilege must promise first to get none by what is executed. */
bool filter_install(void)
{
	struct filter filter = { .count = 0 };
	struct sock_fprog program = { .filter = filter.instructions };

	for (size_t i = 0; i < machine_count; i++)
		add_machine(&filter, &machines[i]);
	give(&filter, SECCOMP_RET_ALLOW);
	program.len = filter.count;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return true;
	return errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}
