/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_STREAM_INPUT_H
#define LOCKPROOF_STREAM_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "program/program.h"
#include "stream/channel.h"

enum input_kind { INPUT_END, INPUT_PROGRAM, INPUT_STRAY };

/* Cuts a stream into programs and lines that stand outside of one. */
struct input {
	struct channel *channel;
	char bytes[4096];
	size_t count, next;
	char text[MAX_TEXT + 1]; /* one byte too many shows that a program is too long */
	size_t used;
};

void input_start(struct input *input, struct channel *channel);

/* The next piece, in `text`. */
enum input_kind input_next(struct input *input);

#endif
