/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_THREADS_H
#define LOCKPROOF_KERNEL_THREADS_H

#include "kernel/kernel.h"

/* As struct system has them. The threads live as long as the process; the order is the kernel's. */
long kernel_make_threads(void *self, int count);
long kernel_at_once(void *self, int threads, int times, unsigned long order, void (*call)(void *argument, int thread),
		    void *argument);

#endif
