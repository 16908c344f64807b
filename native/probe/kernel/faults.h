/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_FAULTS_H
#define LOCKPROOF_KERNEL_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/log.h"
#include "program/system.h"

enum { KNOB_COUNT = 17, KNOB_ROOM = 16 };

/* A setting of fault injection, as it was found and as it reads now. */
struct knob {
	char found[KNOB_ROOM]; /* "": the kernel has no such setting */
	char set[KNOB_ROOM];
};

struct kernel_faults {
	struct knob knobs[KNOB_COUNT];

	/* Of all processes: only one of them meets faults at a time. Open from the start where there is fault injection; else -1. */
	int switches[2];
	struct kernel_log log;
	enum allocations chosen; /* that the filters let fail, where is_chosen */
	bool is_chosen;

	/* Of the process that is to meet the faults; -1: not prepared. */
	int nth;
	bool persistent;
};

struct kernel;

/* Sets the kernel's knobs so that the allocations of memory locking can fail, in armed processes only. */
void kernel_faults_start(struct kernel_faults *faults);

/*
 * Has these allocations fail in the processes forked from now on, which then need not look at the filters; for a kernel
 * whose filters nobody else changes. Where it fails they find that out.
 */
void kernel_faults_choose(struct kernel_faults *faults, enum allocations which);

/* Puts the knobs back. */
void kernel_faults_stop(const struct kernel_faults *faults);

/* The name of a knob: a path below the directory of debugfs. */
const char *kernel_faults_knob(int number);

/* In a child of the prepared process, which is a task of its own. */
void kernel_faults_inherit(struct kernel_faults *faults);

/* As struct system has them. */
long kernel_prepare_faults(void *self, bool persistent, enum allocations which);
long kernel_arm(void *self, unsigned long n);
long kernel_injected(void *self);
int kernel_stack(void *self, char *names, size_t size);

#endif
