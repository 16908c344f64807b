/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_PARSER_H
#define LOCKPROOF_PROGRAM_PARSER_H

#include "program/program.h"
#include "program/words.h"

/* The order in which the lines of a program come. */
enum stage {
	STAGE_START,
	STAGE_DEFECT,
	STAGE_TIME,
	STAGE_ARENA,
	STAGE_REGION,
	STAGE_MAP,
	STAGE_GUARD,
	STAGE_LOCK,
	STAGE_LIMIT,
	STAGE_AS,
	STAGE_STEPS,
};

/* The reading of one program. Its functions give false after a refusal. */
struct parser {
	struct program *program;
	struct refusal *refusal;
	int line;
	enum stage stage;
	struct word keyword;
	struct word rest; /* of the line; `more` says whether there is any */
	bool more;
	int by_page[MAX_LINES]; /* the maps, sorted */
	bool length_given[MAX_REGIONS];
	bool mappings_limited;
	int open_fork;	   /* a step `fork`, `thread` or `threads`, or -1 */
	int pending_fault; /* the line of a `fault` before its call, or 0 */
};

/* Refuses the program, for a reason to which the keyword of the line is put; false. */
bool refuse_at(struct parser *parser, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "foo" is no `meant`. */
bool refuse_word(struct parser *parser, const char *meant, struct word word);

/* The next field of the line; `meant` is the name that PROTOCOL.md has for it. */
bool take_word(struct parser *parser, const char *meant, struct word *word);

bool take_end_of_line(struct parser *parser);

bool take_number(struct parser *parser, const char *meant, unsigned long least, unsigned long most,
		 unsigned long *number);

bool take_size(struct parser *parser, const char *meant, struct size *size);

bool take_pages_of_arena(struct parser *parser, struct range *range);
bool take_some_pages_of_arena(struct parser *parser, unsigned long least, struct range *range);

bool take_value(struct parser *parser, const char *meant, const struct named_value *names, int *value);

bool take_flags(struct parser *parser, const struct named_value *names, int *flags);

bool take_protection(struct parser *parser, int *protection);

bool take_letter(struct parser *parser, char *letter);

bool take_region(struct parser *parser, int *region);

/* The region with that letter, or -1. */
int find_region(const struct program *program, char letter);

/* LETTER PAGE COUNT OBJECT_PAGE; the object becomes as long as it is mapped, unless its length is given. */
bool take_placement(struct parser *parser, struct placement *placement);

/* Lines of the set-up: parse_setup.c. */
bool parse_defect(struct parser *parser);
bool parse_time(struct parser *parser);
bool parse_arena(struct parser *parser);
bool parse_region(struct parser *parser);
bool parse_map(struct parser *parser);
bool parse_guard(struct parser *parser);
bool parse_lock(struct parser *parser);
bool parse_limit(struct parser *parser);
bool parse_as(struct parser *parser);

/* Lines of the steps: parse_steps.c. */
bool parse_fault(struct parser *parser);
bool parse_call(struct parser *parser);
bool parse_fork(struct parser *parser);
bool parse_thread(struct parser *parser);
bool parse_threads(struct parser *parser);
bool parse_exit(struct parser *parser);

#endif
