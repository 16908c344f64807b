/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_TEXT_H
#define LOCKPROOF_PROGRAM_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Text in a buffer of fixed size. What does not fit any more is left out, and `overflowed` says so. */
struct text {
	char *bytes;
	size_t size;
	size_t used;
	bool overflowed;
};

struct text text_in(char *buffer, size_t size);

void text_bytes(struct text *text, const char *bytes, size_t count);

/* A part of printf: %s, %.*s, %c, %d, %ld, %lu and %lx, without widths. Ends no string. */
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

void text_format_list(struct text *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

/* Ends the string, cutting it where the zero byte would not fit. */
void text_close(struct text *text);

#endif
