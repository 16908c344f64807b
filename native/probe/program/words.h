/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_WORDS_H
#define LOCKPROOF_PROGRAM_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* A field, a line, or what is left of one. */
struct word {
	const char *text;
	size_t length;
};

/* A number of bytes in two parts, as only the target knows how large a page is. Everything wraps. */
struct size {
	unsigned long pages;
	unsigned long bytes;
};

/* What a word stands for; a table of them ends with a NULL. */
struct named_value {
	const char *name;
	int value;
};

bool word_is(struct word word, const char *text);

/* Cuts `word` at the first `separator`; what follows it is the new `rest`. False: there is none. */
bool word_cut(struct word *word, char separator, struct word *rest);

/* As many characters of it as belong into a reason. */
int word_shown(struct word word);

bool is_letter(char byte);

bool is_digit(char byte);

/* A decimal number that an unsigned long can hold. */
bool word_number(struct word word, unsigned long *number);

/* N, Np, Np+M or Np-M, where a leading minus counts N down. */
bool word_size(struct word word, struct size *size);

/* The value that the table has for the word. */
bool word_value(struct word word, const struct named_value *names, int *value);

#endif
