/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program.h"

#include <string.h>

#include "program/parser.h"

/* Checks that the line may stand here. */
static bool enter_stage(struct parser *parser, enum stage stage, bool once)
{
	if (parser->pending_fault && !word_is(parser->keyword, "call") && !word_is(parser->keyword, "fork"))
		return refuse_at(parser, parser->line, "fault must stand directly before a call");
	if (stage < parser->stage)
		return refuse_at(parser, parser->line,
				 "comes too late (defect, time, arena, region, map, guard, lock, limit, as, calls)");
	if (once && stage == parser->stage)
		return refuse_at(parser, parser->line, "given twice");
	if (stage > STAGE_ARENA && !parser->program->pages)
		return refuse_at(parser, parser->line, "arena must come before");
	parser->stage = stage;
	return true;
}

static bool parse_line(struct parser *parser, struct word line)
{
	static const struct {
		const char *keyword;
		enum stage stage;
		bool once;
		bool (*parse)(struct parser *parser);
	} lines[] = {
		{ "defect", STAGE_DEFECT, true, parse_defect },
		{ "time", STAGE_TIME, true, parse_time },
		{ "arena", STAGE_ARENA, true, parse_arena },
		{ "region", STAGE_REGION, false, parse_region },
		{ "map", STAGE_MAP, false, parse_map },
		{ "guard", STAGE_GUARD, false, parse_guard },
		{ "lock", STAGE_LOCK, false, parse_lock },
		{ "limit", STAGE_LIMIT, false, parse_limit },
		{ "as", STAGE_AS, true, parse_as },
		{ "fault", STAGE_STEPS, false, parse_fault },
		{ "call", STAGE_STEPS, false, parse_call },
		{ "fork", STAGE_STEPS, false, parse_fork },
		{ "thread", STAGE_STEPS, false, parse_thread },
		{ "threads", STAGE_STEPS, false, parse_threads },
		{ "exit", STAGE_STEPS, false, parse_exit },
	};
	struct word keyword;

	parser->keyword = (struct word){ 0 };
	parser->rest = line;
	parser->more = true;
	if (!take_word(parser, "the first word", &keyword))
		return false;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!word_is(keyword, lines[i].keyword))
			continue;
		parser->keyword = keyword;
		return enter_stage(parser, lines[i].stage, lines[i].once) && lines[i].parse(parser) &&
		       take_end_of_line(parser);
	}
	return refuse_word(parser, "line of a program", keyword);
}

static bool is_name(struct word word)
{
	if (!word.length || word.length > MAX_NAME)
		return false;
	for (size_t i = 0; i < word.length; i++) {
		char byte = word.text[i];

		if (!is_letter(byte) && !is_digit(byte) && byte != '.' && byte != '_' && byte != '-')
			return false;
	}
	return true;
}

static bool parse_head(struct parser *parser, struct word line)
{
	struct word word;

	parser->rest = line;
	parser->more = true;
	if (!take_word(parser, "the first word", &word))
		return false;
	if (!word_is(word, "program"))
		return refuse_at(parser, parser->line, "\"%.*s\" stands outside a program", word_shown(word),
				 word.text);
	parser->keyword = word;
	if (!take_word(parser, "NAME", &word))
		return false;
	if (!is_name(word))
		return refuse_word(parser, "name (up to 64 of A-Za-z0-9._-)", word);
	memcpy(parser->program->name, word.text, word.length);
	memcpy(parser->refusal->name, word.text, word.length);
	return take_end_of_line(parser);
}

/* Neighbours of different letters get different attributes. */
static void set_maps_apart(struct parser *parser)
{
	struct placement *maps = parser->program->maps;

	for (int i = 1; i < parser->program->map_count; i++) {
		const struct placement *before = &maps[parser->by_page[i - 1]];
		struct placement *map = &maps[parser->by_page[i]];

		if (before->range.page + before->range.count == map->range.page)
			map->apart = before->apart != (before->region != map->region);
	}
}

static const char *name_of_open_step(const struct parser *parser)
{
	switch (parser->program->steps[parser->open_fork].operation) {
	case STEP_FORK:
		return "fork";
	case STEP_THREAD:
		return "thread";
	default:
		return "threads";
	}
}

/* Threads are there from the start, and number the executions by the orders of their calls. */
static bool check_threads(struct parser *parser)
{
	const struct program *program = parser->program;
	int line = program->threads_line;

	if (!line)
		return true;
	if (program->fault_line)
		return refuse_at(parser, program->fault_line, "fault: a program with threads has no sweep");
	if (program->unprivileged)
		return refuse_at(parser, program->unprivileged_line, "as: threads would keep their privileges");
	if (program->exec_line)
		return refuse_at(parser, program->exec_line,
				 "call: exec ends the threads, so that no program has both");
	return true;
}

static bool parse_end(struct parser *parser)
{
	if (parser->pending_fault)
		return refuse_at(parser, parser->pending_fault, "fault must stand directly before a call");
	if (parser->open_fork >= 0)
		return refuse_at(parser, parser->program->steps[parser->open_fork].line, "%s: exit is missing",
				 name_of_open_step(parser));
	if (!parser->program->pages)
		return refuse_at(parser, parser->line, "arena is missing");
	if (!check_threads(parser))
		return false;
	if (parser->program->memory_line && parser->program->reclaim_line)
		return refuse_at(parser, parser->program->memory_line,
				 "limit: memory that is limited does not go to swap; reclaim does without");
	set_maps_apart(parser);
	return true;
}

static bool parse_lines(struct parser *parser, struct word text, bool cut_off)
{
	bool more = true, inside = false, ended = false;
	struct word line, rest = { 0 };

	while (more) {
		line = text;
		more = word_cut(&line, '\n', &rest);
		text = rest;
		if (!inside && (!line.length || *line.text == '#'))
			continue;
		if (!more && (!line.length || cut_off))
			break;
		parser->line++;
		if (ended)
			return refuse_at(parser, parser->line, "more text after the end");
		if (inside && word_is(line, "end")) {
			inside = false;
			ended = true;
			parser->keyword = (struct word){ 0 };
		} else if (inside) {
			if (!parse_line(parser, line))
				return false;
		} else {
			if (!parse_head(parser, line))
				return false;
			inside = true;
		}
	}
	parser->keyword = (struct word){ 0 };
	if (cut_off)
		return refuse_at(parser, parser->line, "the program has more than %d bytes", MAX_TEXT);
	return ended ? parse_end(parser) : refuse_at(parser, parser->line, "end is missing");
}

bool program_parse(const char *text, size_t length, struct program *program, struct refusal *refusal)
{
	struct parser parser = { .program = program, .refusal = refusal, .open_fork = -1 };
	bool too_long = length > MAX_TEXT;

	memset(program, 0, offsetof(struct program, regions)); /* FAULT_NONE as well */
	memset(refusal, 0, sizeof(*refusal));
	program->time = DEFAULT_TIME;
	return parse_lines(&parser, (struct word){ text, too_long ? MAX_TEXT : length }, too_long);
}
