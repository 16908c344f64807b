/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_PROGRESS_H
#define LOCKPROOF_KERNEL_PROGRESS_H

#include <sys/types.h>

#include "program/interpret.h"

enum {
	SMALL_ARENA = 1024, /* pages */
	LINE_SIZE = 4096,   /* beside the strips in it */
};

/* Of an arena with so many pages; two lines: of a thread, and behind it. */
#define ROOM_FOR_STRIPS(pages) (STRIP_COUNT * (size_t)(pages))
#define ROOM_FOR_LINES(pages) (2 * (LINE_SIZE + ROOM_FOR_STRIPS(pages)))

/*
 * An execution that tells through a file how far it has come, so that this is
 * known whatever becomes of its process. Children and new images of the process
 * add to the same file. It is no memory that they share: of that, every
 * snapshot would find a mapping more, and every execution would fault it in.
 */
struct progress {
	struct execution execution; /* first: its publish() finds the rest */
	int file;

	/* Of strips, and behind them of lines, for a program with few pages; and a mapping for one with more. */
	char *mapped;
	size_t mapped_size;
	char room[ROOM_FOR_STRIPS(SMALL_ARENA) + ROOM_FOR_LINES(SMALL_ARENA)];
};

/* A file for it, which has no name; -1: none can be made. */
int progress_open(void);

/*
 * Of the process that waits: makes room for an arena of so many pages, which
 * those that it forks then have, or gives it up. They could map it themselves, but where
 * their parent has memory that it does not hand on, what is mapped and written to in a child
 * of User-mode Linux 6.1 changes the parent's. NULL: there is no memory.
 */
char *progress_make_room(struct progress *progress, size_t pages);
void progress_give_up_room(struct progress *progress);

/* Makes it an execution in this process, of a program with an arena of so many pages; ends the process where there is no room. */
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
