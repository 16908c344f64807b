/* SPDX-License-Identifier: Apache-2.0 */
#include "program/parser.h"

#include <limits.h>
#include <sys/mman.h>

#include "program/text.h"

bool refuse_at(struct parser *parser, int line, const char *format, ...)
{
	struct refusal *refusal = parser->refusal;
	struct text reason = text_in(refusal->reason, sizeof(refusal->reason));
	va_list arguments;

	if (parser->keyword.length)
		text_format(&reason, "%.*s: ", (int)parser->keyword.length, parser->keyword.text);
	va_start(arguments, format);
	text_format_list(&reason, format, arguments);
	va_end(arguments);
	text_close(&reason);
	refusal->line = line;
	return false;
}

bool refuse_word(struct parser *parser, const char *meant, struct word word)
{
	return refuse_at(parser, parser->line, "\"%.*s\" is no %s", word_shown(word), word.text, meant);
}

static bool refuse_number(struct parser *parser, const char *meant, unsigned long least, unsigned long most)
{
	return refuse_at(parser, parser->line, "%s must be from %lu to %lu", meant, least, most);
}

bool take_word(struct parser *parser, const char *meant, struct word *word)
{
	if (!parser->more)
		return refuse_at(parser, parser->line, "%s is missing", meant);
	*word = parser->rest;
	parser->more = word_cut(word, ' ', &parser->rest);
	if (!word->length)
		return refuse_at(parser, parser->line, "a blank too many before %s", meant);
	return true;
}

bool take_end_of_line(struct parser *parser)
{
	if (!parser->more)
		return true;
	return refuse_at(parser, parser->line, "\"%.*s\" is too much", word_shown(parser->rest), parser->rest.text);
}

bool take_number(struct parser *parser, const char *meant, unsigned long least, unsigned long most,
		 unsigned long *number)
{
	struct word word;

	if (!take_word(parser, meant, &word))
		return false;
	if (!word_number(word, number) || *number < least || *number > most)
		return refuse_number(parser, meant, least, most);
	return true;
}

bool take_size(struct parser *parser, const char *meant, struct size *size)
{
	struct word word;

	if (!take_word(parser, meant, &word))
		return false;
	return word_size(word, size) || refuse_word(parser, "size (N, Np, Np+M or Np-M)", word);
}

bool take_pages_of_arena(struct parser *parser, struct range *range)
{
	return take_some_pages_of_arena(parser, 1, range);
}

bool take_some_pages_of_arena(struct parser *parser, unsigned long least, struct range *range)
{
	size_t pages = parser->program->pages;
	unsigned long page, count;

	if (!take_number(parser, "PAGE", 0, MAX_PAGES, &page) ||
	    !take_number(parser, "COUNT", least, MAX_PAGES, &count))
		return false;
	if (page + count > pages)
		return refuse_at(parser, parser->line, "page %lu is outside the arena of %lu pages",
				 page < pages ? (unsigned long)pages : page, (unsigned long)pages);
	*range = (struct range){ page, count };
	return true;
}

/* One of the names, or a number. */
bool take_value(struct parser *parser, const char *meant, const struct named_value *names, int *value)
{
	unsigned long number;
	struct word word;

	if (!take_word(parser, meant, &word))
		return false;
	if (word_value(word, names, value))
		return true;
	if (!word_number(word, &number) || number > UINT_MAX)
		return refuse_word(parser, meant, word);
	*value = (int)(unsigned int)number;
	return true;
}

/* Some of the names, joined with commas, or a number. */
bool take_flags(struct parser *parser, const struct named_value *names, int *flags)
{
	struct word word, rest;
	bool more;
	int flag;

	if (parser->more && parser->rest.length && is_digit(*parser->rest.text))
		return take_value(parser, "FLAGS", names, flags);
	if (!take_word(parser, "FLAGS", &word))
		return false;
	*flags = 0;
	do {
		more = word_cut(&word, ',', &rest);
		if (!word_value(word, names, &flag))
			return refuse_word(parser, "flag of this call", word);
		*flags |= flag;
		word = rest;
	} while (more);
	return true;
}

bool take_protection(struct parser *parser, int *protection)
{
	static const char letters[] = "rwx";
	static const int bits[] = { PROT_READ, PROT_WRITE, PROT_EXEC };
	struct word word;
	size_t used = 0;

	if (!take_word(parser, "PROT", &word))
		return false;
	*protection = PROT_NONE;
	if (word_is(word, "none"))
		return true;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (used < word.length && word.text[used] == letters[i]) {
			*protection |= bits[i];
			used++;
		}
	}
	return used == word.length || refuse_word(parser, "protection (none, or some of rwx in this order)", word);
}

int find_region(const struct program *program, char letter)
{
	int index = 0;

	while (index < program->region_count && program->regions[index].letter != letter)
		index++;
	return index < program->region_count ? index : -1;
}

bool take_letter(struct parser *parser, char *letter)
{
	struct word word;

	if (!take_word(parser, "LETTER", &word))
		return false;
	if (word.length != 1 || !is_letter(*word.text))
		return refuse_word(parser, "letter", word);
	*letter = *word.text;
	return true;
}

bool take_region(struct parser *parser, int *region)
{
	char letter = 0;

	if (!take_letter(parser, &letter))
		return false;
	*region = find_region(parser->program, letter);
	return *region >= 0 || refuse_at(parser, parser->line, "no region %c was declared", letter);
}

bool take_placement(struct parser *parser, struct placement *placement)
{
	struct program *program = parser->program;
	unsigned long object_page;
	long end;
	int object;

	if (!take_region(parser, &placement->region) || !take_pages_of_arena(parser, &placement->range) ||
	    !take_number(parser, "OBJECT_PAGE", 0, MAX_OBJECT_PAGES, &object_page))
		return false;
	placement->object_page = object_page;
	placement->line = parser->line;
	end = (long)(object_page + placement->range.count);
	object = program->regions[placement->region].alias;
	if (object < 0)
		object = placement->region;
	if (!parser->length_given[object] && program->regions[object].object_pages < end)
		program->regions[object].object_pages = end;
	return true;
}
