/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_STREAM_CHANNEL_H
#define LOCKPROOF_STREAM_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "stream/mailbox.h"

/* A terminal has no end; this byte, which no program has, stands for the end of the input. */
enum { END_OF_TRANSMISSION = 4 };

/* Programs in, traces out: two files; or, in a guest, a terminal, which with a mailbox is but its doorbell. */
struct channel {
	int in, out;
	bool is_terminal;
	bool has_ended; /* its input */
	bool has_mailbox;
	struct mailbox mailbox;
};

/* Waits for bytes; 0: the input has ended. */
size_t channel_read(struct channel *channel, char *bytes, size_t size);

/* False: the output is broken. */
bool channel_write(const struct channel *channel, const char *bytes, size_t size);

#endif
