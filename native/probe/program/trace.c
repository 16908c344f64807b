/* SPDX-License-Identifier: Apache-2.0 */
#include "program/trace.h"

enum { LONGEST_PLAIN_RUN = 4 };

struct trace trace_in(char *buffer, size_t size)
{
	return (struct trace){ .text = text_in(buffer, size) };
}

static bool complete(struct trace *trace)
{
	struct text *text = &trace->text;
	bool fits = !text->overflowed;

	if (fits) {
		trace->complete = text->used;
	} else {
		text->used = trace->complete;
		text->overflowed = false;
		trace->overflowed = true;
	}
	return fits;
}

bool trace_end_line(struct trace *trace)
{
	return trace_lines(trace, "\n", 1);
}

bool trace_lines(struct trace *trace, const char *lines, size_t count)
{
	text_bytes(&trace->text, lines, count);
	return complete(trace);
}

static void add_escaped(struct text *text, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	if (byte == '"' || byte == '\\')
		text_format(text, "\\%c", byte);
	else if (byte < ' ' || byte > '~')
		text_format(text, "\\u00%c%c", digits[byte >> 4], digits[byte & 15]);
	else
		text_format(text, "%c", byte);
}

void trace_string(struct trace *trace, const char *string)
{
	text_bytes(&trace->text, "\"", 1);
	for (; *string; string++)
		add_escaped(&trace->text, (unsigned char)*string);
	text_bytes(&trace->text, "\"", 1);
}

void trace_strip(struct trace *trace, const char *strip, size_t pages)
{
	struct text *text = &trace->text;
	size_t page = 0, run;

	text_bytes(text, "\"", 1);
	while (page < pages) {
		for (run = 1; page + run < pages && strip[page + run] == strip[page]; run++)
			;
		if (run > LONGEST_PLAIN_RUN)
			text_format(text, "%c*%lu", strip[page], (unsigned long)run);
		else
			text_bytes(text, strip + page, run);
		page += run;
	}
	text_bytes(text, "\"", 1);
}

void trace_number_or_null(struct trace *trace, long number)
{
	if (number == -1)
		text_format(&trace->text, "null");
	else
		text_format(&trace->text, "%ld", number);
}
