/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_DIAGNOSTICS_H
#define LOCKPROOF_KERNEL_DIAGNOSTICS_H

#include "kernel/log.h"
#include "program/trace.h"

enum { ROOM_FOR_DIAGNOSTICS = 160 * 1024 }; /* 100 records, each byte of which may take six characters */

/* What the kernel said, and how its taint changed, since it was last asked. */
struct diagnostics {
	struct kernel_log log;
	struct fault_report report;
	int taint_file;
	long taint; /* -1: not known */
	int records;
	struct trace trace; /* of them, in `fields` */
	char fields[ROOM_FOR_DIAGNOSTICS];
};

/* The kernel's taint number; -1: not known. */
long kernel_taint(void);

void diagnostics_start(struct diagnostics *diagnostics);

/* Takes what there is now, before the kernel overwrites it. */
void diagnostics_collect(struct diagnostics *diagnostics);

/* The fields "taint" and "log" of PROTOCOL.md, each with a comma before it; "" where there is nothing to tell. */
const char *diagnostics_fields(struct diagnostics *diagnostics);

#endif
