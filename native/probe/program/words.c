/* SPDX-License-Identifier: Apache-2.0 */
#include "program/words.h"

#include <string.h>

enum { LONGEST_SHOWN = 40 };

bool word_is(struct word word, const char *text)
{
	return word.length == strlen(text) && memcmp(word.text, text, word.length) == 0;
}

bool word_cut(struct word *word, char separator, struct word *rest)
{
	const char *at = word->length ? memchr(word->text, separator, word->length) : NULL;

	if (!at)
		return false;
	rest->length = word->length - (size_t)(at - word->text) - 1;
	rest->text = at + 1;
	word->length = (size_t)(at - word->text);
	return true;
}

bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

bool word_number(struct word word, unsigned long *number)
{
	unsigned long result = 0;

	for (size_t i = 0; i < word.length; i++) {
		if (!is_digit(word.text[i]) || __builtin_mul_overflow(result, 10, &result) ||
		    __builtin_add_overflow(result, (unsigned long)(word.text[i] - '0'), &result))
			return false;
	}
	*number = result;
	return word.length > 0;
}

bool word_size(struct word word, struct size *size)
{
	struct word offset = { 0 };
	bool negative, in_pages, subtracted = false;
	unsigned long number, more = 0;

	negative = word.length && *word.text == '-';
	if (negative) {
		word.text++;
		word.length--;
	}
	in_pages = word_cut(&word, 'p', &offset);
	if (!word_number(word, &number))
		return false;
	if (offset.length) {
		subtracted = *offset.text == '-';
		if (!subtracted && *offset.text != '+')
			return false;
		offset.text++;
		offset.length--;
		if (!word_number(offset, &more))
			return false;
	}
	if (negative)
		number = 0 - number;
	size->pages = in_pages ? number : 0;
	size->bytes = in_pages ? (subtracted ? 0 - more : more) : number;
	return true;
}

bool word_value(struct word word, const struct named_value *names, int *value)
{
	for (; names->name; names++) {
		if (word_is(word, names->name)) {
			*value = names->value;
			return true;
		}
	}
	return false;
}

int word_shown(struct word word)
{
	return word.length < LONGEST_SHOWN ? (int)word.length : LONGEST_SHOWN;
}
