/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_RAW_CALL_H
#define LOCKPROOF_SHIMS_RAW_CALL_H

/*
 * A system call without the libc's function, for a library that stands in
 * front of it. Registers are those of syscall(2). Machines without a case here
 * have no HAS_RAW_CALL.
 */
#include <errno.h>

enum { RAW_ARGUMENTS = 6, RAW_LARGEST_ERROR = 4095 };

#if defined(__x86_64__) && !defined(__ILP32__)
#define HAS_RAW_CALL
static inline long raw_result(long number, const long *given)
{
	register long fourth __asm__("r10") = given[3];
	register long fifth __asm__("r8") = given[4];
	register long sixth __asm__("r9") = given[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(given[0]), "S"(given[1]), "d"(given[2]), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
#define HAS_RAW_CALL
static inline long raw_result(long number, const long *given)
{
	register long call __asm__("x8") = number;
	register long first __asm__("x0") = given[0];
	register long second __asm__("x1") = given[1];
	register long third __asm__("x2") = given[2];
	register long fourth __asm__("x3") = given[3];
	register long fifth __asm__("x4") = given[4];
	register long sixth __asm__("x5") = given[5];

	__asm__ volatile("svc #0"
			 : "+r"(first)
			 : "r"(call), "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "memory");
	return first;
}
#endif

#ifdef HAS_RAW_CALL
/* As the libc's syscall: -1, and errno set, where the kernel gives an error. */
static inline long raw_call(long number, const long *given)
{
	long result = raw_result(number, given);

	if (result < 0 && result >= -RAW_LARGEST_ERROR) {
		errno = (int)-result;
		return -1;
	}
	return result;
}
#endif

#endif
