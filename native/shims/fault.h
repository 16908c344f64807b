/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_FAULT_H
#define LOCKPROOF_SHIMS_FAULT_H

/*
 * For a program that arms libfault.so itself, as the probe does: makes the nth
 * call from now on fail with `error`, without being made, whatever the rules
 * say. `lockproof_fault_disarm` gives the name of the call that failed, or
 * NULL where there were fewer than n.
 */
void lockproof_fault_arm(unsigned long n, int error);
const char *lockproof_fault_disarm(void);

#endif
