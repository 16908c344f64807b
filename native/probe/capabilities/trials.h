/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_CAPABILITIES_TRIALS_H
#define LOCKPROOF_CAPABILITIES_TRIALS_H

/* The trials that find the facts, in a child, where they may do to the process what they like. */

#include "capabilities/facts.h"

/* Pages of anonymous memory that can be written to; 0: there is none. */
unsigned long trial_memory(const struct kernel *kernel, size_t pages);

/* trials_calls.c */
void try_calls(struct kernel *kernel, struct facts *facts);
void try_kinds(struct kernel *kernel, struct facts *facts);
void try_guard(struct kernel *kernel, struct facts *facts);

/* The names of what these two tried, by the places in `calls`, as long as there are any, and in `kinds`. */
const char *call_name(int number);
const char *kind_name(enum kind kind);

/* trials_observers.c */
void try_observers(struct kernel *kernel, struct facts *facts);

/* trials_faults.c: a fault that stays is tried after one that does not. */
void try_fault(struct kernel *kernel, struct facts *facts);
void try_persistent_fault(struct kernel *kernel, struct facts *facts);
void try_memory(struct kernel *kernel, struct facts *facts);

#endif
