/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_TRACER_MACHINE_H
#define LOCKPROOF_TRACER_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault_rules.h"

/* The numbers of the calls for programs of one machine and word size; a machine can run several. */
struct call_numbers {
	uint32_t machine; /* AUDIT_ARCH_* */
	size_t word;	  /* bytes */
	int of[CALL_COUNT];
};

extern const struct call_numbers machines[];
extern const size_t machine_count; /* 0: the tracer does not know this machine */

/* Which call has that number; ANY: none. */
enum lock_function machine_call(const struct call_numbers *numbers, uint64_t number);

/* Those of a machine; NULL: it is unknown. */
const struct call_numbers *machine_of(uint32_t machine);

/* What a thread that is stopped in a system call has in its registers; false: errno says why that cannot be done. */

/* Lets the kernel make no call, and the program see that result: before the call. */
bool machine_skip_call(pid_t thread, long result);

/* Changes an argument, counted from 0: before the call, and after it to what it was. */
bool machine_set_argument(pid_t thread, const struct call_numbers *numbers, int index, uint64_t value);

/* Changes what the program sees: after the call. */
bool machine_set_result(pid_t thread, long result);

/* The register that holds the address a function returns to; 0: the machine keeps it on the stack. */
uint64_t machine_link(pid_t thread);

#endif
