/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_NEWS_H
#define LOCKPROOF_KERNEL_NEWS_H

#include "kernel_log.h"
#include "trace.h"

enum { ROOM_FOR_NEWS = 160 * 1024 }; /* 100 records, each byte of which may take six characters */

/* What the kernel said, and how its taint changed, since it was last asked. */
struct kernel_news {
	struct kernel_log log;
	struct fault_report report;
	int taint_file;
	long taint; /* -1: not known */
	int records;
	struct trace trace; /* of them, in `fields` */
	char fields[ROOM_FOR_NEWS];
};

/* The kernel's taint number; -1: not known. */
long kernel_taint(void);

void kernel_news_start(struct kernel_news *news);

/* Takes what there is now, before the kernel overwrites it. */
void kernel_news_collect(struct kernel_news *news);

/* The fields "taint" and "log" of PROTOCOL.md, each with a comma before it; "" where there is nothing to tell. */
const char *kernel_news_fields(struct kernel_news *news);

#endif
