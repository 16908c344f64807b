/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/input.h"

#include <string.h>

/* As much of a line as tells what it is. */
struct start_of_line {
	char bytes[8];
	size_t length; /* of the whole line, without its end */
};

void input_start(struct input *input, struct channel *channel)
{
	input->channel = channel;
	input->count = 0;
	input->next = 0;
}

static bool refill(struct input *input)
{
	input->next = 0;
	input->count = channel_read(input->channel, input->bytes, sizeof(input->bytes));
	return input->count > 0;
}

static void keep(struct input *input, char byte)
{
	if (input->used < sizeof(input->text))
		input->text[input->used++] = byte;
}

/* Appends the next line to `text`; false: there is none. */
static bool next_line(struct input *input, struct start_of_line *start)
{
	bool any = false;
	char byte = 0;

	start->length = 0;
	while (byte != '\n' && (input->next < input->count || refill(input))) {
		byte = input->bytes[input->next++];
		any = true;
		keep(input, byte);
		if (byte != '\n') {
			if (start->length < sizeof(start->bytes))
				start->bytes[start->length] = byte;
			start->length++;
		}
	}
	return any;
}

static bool begins_with(const struct start_of_line *start, const char *word, size_t length)
{
	return start->length >= length && memcmp(start->bytes, word, length) == 0;
}

static bool is_ignored(const struct start_of_line *start)
{
	return !start->length || start->bytes[0] == '#';
}

static bool is_head(const struct start_of_line *start)
{
	return begins_with(start, "program", 7) && (start->length == 7 || start->bytes[7] == ' ');
}

static bool is_end(const struct start_of_line *start)
{
	return start->length == 3 && begins_with(start, "end", 3);
}

enum input_kind input_next(struct input *input)
{
	struct start_of_line start;

	do {
		input->used = 0;
		if (!next_line(input, &start))
			return INPUT_END;
	} while (is_ignored(&start));
	if (!is_head(&start))
		return INPUT_STRAY;
	while (next_line(input, &start) && !is_end(&start))
		;
	return INPUT_PROGRAM;
}
