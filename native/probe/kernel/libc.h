/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_LIBC_H
#define LOCKPROOF_KERNEL_LIBC_H

#include "program/system.h"

/*
 * Of the probe that calls through the functions of a libc, in front of which
 * other libraries may stand (native/shims/through_libc.c). NULL in the static
 * probe, which makes its system calls raw.
 */
extern void libc_take_over(struct system *system) __attribute__((weak));
extern long libc_mmap(unsigned long address, size_t length, int protection, int flags, int file, size_t offset)
	__attribute__((weak));
/* Whether libfault.so stands there, and can fail its calls one after another. */
extern bool libc_has_shim(void) __attribute__((weak));

#endif
