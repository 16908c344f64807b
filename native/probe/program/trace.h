/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_TRACE_H
#define LOCKPROOF_PROGRAM_TRACE_H

#include "program/text.h"

/* Lines of JSON in a buffer of fixed size. A line that does not fit is left out whole: the first `complete` bytes are whole lines. */
struct trace {
	struct text text;
	size_t complete;
	bool overflowed; /* a line was left out */
};

struct trace trace_in(char *buffer, size_t size);

/* Ends the line; false if it had to be left out. */
bool trace_end_line(struct trace *trace);

/* Lines that are ended already; false if they had to be left out. */
bool trace_lines(struct trace *trace, const char *lines, size_t count);

/* A JSON string. */
void trace_string(struct trace *trace, const char *string);

/* A JSON string with one character for each page; X*N stands for a run of more than 4. */
void trace_strip(struct trace *trace, const char *strip, size_t pages);

/* A number, or null for -1. */
void trace_number_or_null(struct trace *trace, long number);

#endif
