/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_PROGRESS_H
#define LOCKPROOF_KERNEL_PROGRESS_H

#include <sys/types.h>

#include "program/interpret.h"

/*
 * An execution that tells through a file how far it has come, so that this is
 * known whatever becomes of its process. Children and new images of the process
 * add to the same file. It is no memory that they share: of that, every
 * snapshot would find a mapping more, and every execution would fault it in.
 */
struct progress {
	struct execution execution; /* first: its publish() finds the rest */
	int file;

	/* Of the strips, and behind them of a line: of a small program in one page or two. */
	char room[STRIP_COUNT * MAX_PAGES + 2 * MAX_PAGES];
};

/* A file for it, which has no name; -1: none can be made. */
int progress_open(void);

/* Makes it an execution in this process, of a program with an arena of so many pages. */
void progress_start(struct progress *progress, int file, size_t pages);

/* Of the process that waits. */
struct progress_reader {
	int file;
	off_t at;
	char bytes[512 * 1024];
};

/*
 * Reads what was told since it was last asked: lines go to the trace, the rest
 * is what was told last; but a fault that was reached stays so, of which a new
 * image of the program knows nothing. Nobody may be writing. False: the trace has no room
 * for the last of the lines.
 */
bool progress_collect(struct progress_reader *reader, struct execution *execution);

#endif
