/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "machine.h"

#include <elf.h>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#ifndef SYS_mlock2
#error "the headers are older than Linux 4.4: they do not have mlock2"
#endif

#define NATIVE_CALLS                                                                                                   \
	{                                                                                                              \
		[MLOCK] = SYS_mlock, [MLOCK2] = SYS_mlock2, [MUNLOCK] = SYS_munlock, [MLOCKALL] = SYS_mlockall,        \
		[MSYNC] = -1, [MMAP] = SYS_mmap, [MUNLOCKALL] = SYS_munlockall, [ANY] = -1,                            \
	}

#if defined(__x86_64__) && !defined(__ILP32__)

/* Those of i386: arch/x86/entry/syscalls/syscall_32.tbl; mmap is mmap2, which takes the same flags. */
const struct call_numbers machines[] = {
	{ AUDIT_ARCH_X86_64, 8, NATIVE_CALLS },
	{ AUDIT_ARCH_I386,
	  4,
	  { [MLOCK] = 150,
	    [MLOCK2] = 376,
	    [MUNLOCK] = 151,
	    [MLOCKALL] = 152,
	    [MUNLOCKALL] = 153,
	    [MSYNC] = -1,
	    [MMAP] = 192,
	    [ANY] = -1 } },
};
const size_t machine_count = 2;

/* glibc and musl call it differently. */
typedef __typeof__(((struct user_regs_struct *)0)->rax) word_of_registers;

static bool change(pid_t thread, word_of_registers *(*member)(struct user_regs_struct *), word_of_registers value)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, thread, NULL, &registers) < 0)
		return false;
	*member(&registers) = value;
	return ptrace(PTRACE_SETREGS, thread, NULL, &registers) == 0;
}

static word_of_registers *result_of(struct user_regs_struct *registers)
{
	return &registers->rax;
}

static word_of_registers *number_of(struct user_regs_struct *registers)
{
	return &registers->orig_rax;
}

bool machine_skip_call(pid_t thread, long result)
{
	return change(thread, number_of, (word_of_registers)-1) && machine_set_result(thread, result);
}

bool machine_set_result(pid_t thread, long result)
{
	return change(thread, result_of, (word_of_registers)result);
}

static word_of_registers *argument_of(struct user_regs_struct *registers, size_t word, int index)
{
	word_of_registers *const large[] = { &registers->rdi, &registers->rsi, &registers->rdx, &registers->r10 };
	word_of_registers *const small[] = { &registers->rbx, &registers->rcx, &registers->rdx, &registers->rsi };

	return word == 4 ? small[index] : large[index];
}

bool machine_set_argument(pid_t thread, const struct call_numbers *numbers, int index, uint64_t value)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, thread, NULL, &registers) < 0)
		return false;
	*argument_of(&registers, numbers->word, index) = value;
	return ptrace(PTRACE_SETREGS, thread, NULL, &registers) == 0;
}

uint64_t machine_link(pid_t thread)
{
	(void)thread;
	return 0;
}

#elif defined(__aarch64__)

const struct call_numbers machines[] = { { AUDIT_ARCH_AARCH64, 8, NATIVE_CALLS } };
const size_t machine_count = 1;

enum { LINK = 30 };

static bool get(pid_t thread, struct user_regs_struct *registers)
{
	struct iovec all = { registers, sizeof(*registers) };

	return ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &all) == 0;
}

static bool set(pid_t thread, int index, uint64_t value)
{
	struct user_regs_struct registers;
	struct iovec all = { &registers, sizeof(registers) };

	if (!get(thread, &registers))
		return false;
	registers.regs[index] = value;
	return ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &all) == 0;
}

bool machine_skip_call(pid_t thread, long result)
{
	int none = -1;
	struct iovec number = { &none, sizeof(none) };

	return ptrace(PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, &number) == 0 && machine_set_result(thread, result);
}

bool machine_set_result(pid_t thread, long result)
{
	return set(thread, 0, (uint64_t)result);
}

/* The first argument is where the result is going to be. */
bool machine_set_argument(pid_t thread, const struct call_numbers *numbers, int index, uint64_t value)
{
	(void)numbers;
	return set(thread, index, value);
}

uint64_t machine_link(pid_t thread)
{
	struct user_regs_struct registers;

	return get(thread, &registers) ? registers.regs[LINK] : 0;
}

#else

const struct call_numbers machines[] = { { 0 } };
const size_t machine_count = 0;

bool machine_skip_call(pid_t thread, long result)
{
	(void)thread;
	(void)result;
	return false;
}

bool machine_set_result(pid_t thread, long result)
{
	(void)thread;
	(void)result;
	return false;
}

bool machine_set_argument(pid_t thread, const struct call_numbers *numbers, int index, uint64_t value)
{
	(void)thread;
	(void)numbers;
	(void)index;
	(void)value;
	return false;
}

uint64_t machine_link(pid_t thread)
{
	(void)thread;
	return 0;
}

#endif

enum lock_function machine_call(const struct call_numbers *numbers, uint64_t number)
{
	int call = 0;

	while (call < ANY && (numbers->of[call] < 0 || (uint64_t)numbers->of[call] != number))
		call++;
	return (enum lock_function)call;
}

const struct call_numbers *machine_of(uint32_t machine)
{
	for (size_t i = 0; i < machine_count; i++) {
		if (machines[i].machine == machine)
			return &machines[i];
	}
	return NULL;
}
