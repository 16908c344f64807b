/* SPDX-License-Identifier: Apache-2.0 */
#include "program/text.h"

#include <string.h>

struct text text_in(char *buffer, size_t size)
{
	return (struct text){ .bytes = buffer, .size = size };
}

void text_bytes(struct text *text, const char *bytes, size_t count)
{
	size_t room = text->size - text->used;

	if (count > room) {
		count = room;
		text->overflowed = true;
	}
	if (count)
		memcpy(text->bytes + text->used, bytes, count);
	text->used += count;
}

static void add_unsigned(struct text *text, unsigned long number, unsigned base)
{
	char digits[3 * sizeof(number)];
	size_t first = sizeof(digits);

	do {
		digits[--first] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	text_bytes(text, digits + first, sizeof(digits) - first);
}

static void add_signed(struct text *text, long number)
{
	if (number < 0)
		text_bytes(text, "-", 1);
	add_unsigned(text, number < 0 ? 0 - (unsigned long)number : (unsigned long)number, 10);
}

void text_format_list(struct text *text, const char *format, va_list arguments)
{
	const char *string;
	char character;
	int length;

	while (*format) {
		size_t plain = 0;

		while (format[plain] && format[plain] != '%')
			plain++;
		text_bytes(text, format, plain);
		format += plain;
		if (!*format)
			break;
		format++;
		if (strncmp(format, "lu", 2) == 0) {
			add_unsigned(text, va_arg(arguments, unsigned long), 10);
			format += 2;
		} else if (strncmp(format, "lx", 2) == 0) {
			add_unsigned(text, va_arg(arguments, unsigned long), 16);
			format += 2;
		} else if (strncmp(format, "ld", 2) == 0) {
			add_signed(text, va_arg(arguments, long));
			format += 2;
		} else if (strncmp(format, ".*s", 3) == 0) {
			length = va_arg(arguments, int);
			text_bytes(text, va_arg(arguments, const char *), (size_t)length);
			format += 3;
		} else if (*format == 's') {
			string = va_arg(arguments, const char *);
			text_bytes(text, string, strlen(string));
			format++;
		} else if (*format == 'd') {
			add_signed(text, va_arg(arguments, int));
			format++;
		} else if (*format == 'c') {
			character = (char)va_arg(arguments, int);
			text_bytes(text, &character, 1);
			format++;
		} else {
			__builtin_trap();
		}
	}
}

void text_format(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text_format_list(text, format, arguments);
	va_end(arguments);
}

void text_close(struct text *text)
{
	if (text->used == text->size)
		text->used--;
	text->bytes[text->used] = '\0';
}
