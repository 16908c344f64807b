/* SPDX-License-Identifier: Apache-2.0 */
#include "program/parser.h"

#include <string.h>

static const char *const kind_names[KIND_COUNT] = {
	[KIND_ANONYMOUS] = "anonymous", [KIND_FILE] = "file",
	[KIND_SHARED] = "shared",	[KIND_SHM] = "shm",
	[KIND_MEMFD] = "memfd",		[KIND_HUGETLB] = "hugetlb",
	[KIND_SECRETMEM] = "secretmem", [KIND_STACK] = "stack",
	[KIND_SYSV] = "sysv",		[KIND_HEAP] = "heap",
	[KIND_DROPPABLE] = "droppable",
};

static const struct named_value huge_wishes[] = { { "always", HUGE_ALWAYS }, { "never", HUGE_NEVER }, { NULL, 0 } };

static const struct named_value lock_modes[] = { { "eager", false }, { "onfault", true }, { NULL, 0 } };

/* False, after a refusal, where `count` lines of this sort are as many as there may be. */
static bool room_for_line(struct parser *parser, int count)
{
	if (count < MAX_LINES)
		return true;
	return refuse_at(parser, parser->line, "more than %d such lines", MAX_LINES);
}

bool parse_defect(struct parser *parser)
{
	struct program *program = parser->program;

	program->defect_line = parser->line;
	return take_number(parser, "NUMBER", 1, MAX_DEFECT, &program->defect);
}

bool parse_time(struct parser *parser)
{
	unsigned long time;

	if (!take_number(parser, "MILLISECONDS", 1, MAX_TIME, &time))
		return false;
	parser->program->time = (long)time;
	return true;
}

bool parse_arena(struct parser *parser)
{
	unsigned long pages;

	if (!take_number(parser, "PAGES", 1, MAX_PAGES, &pages))
		return false;
	parser->program->pages = pages;
	parser->program->arena_line = parser->line;
	return true;
}

static bool has_length(enum kind kind)
{
	return kind == KIND_FILE || kind == KIND_SHM || kind == KIND_MEMFD || kind == KIND_SECRETMEM;
}

static bool can_alias(enum kind kind)
{
	return kind == KIND_FILE || kind == KIND_SHM || kind == KIND_MEMFD;
}

static bool take_kind(struct parser *parser, enum kind *kind)
{
	struct word word;
	int found = 0;

	if (!take_word(parser, "KIND", &word))
		return false;
	while (found < KIND_COUNT && !word_is(word, kind_names[found]))
		found++;
	if (found == KIND_COUNT)
		return refuse_word(parser, "kind of memory", word);
	*kind = (enum kind)found;
	return true;
}

static bool take_share(struct parser *parser, struct region *region)
{
	struct word word;

	if (!take_word(parser, "SHARE", &word))
		return false;
	region->shared = word_is(word, "shared");
	if (!region->shared && !word_is(word, "private"))
		return refuse_word(parser, "share (private or shared)", word);
	if ((region->kind == KIND_SHARED || region->kind == KIND_SYSV) && !region->shared)
		return refuse_at(parser, parser->line, "memory of kind %s cannot be private", kind_names[region->kind]);
	return true;
}

static bool take_file_pages(struct parser *parser, int index)
{
	struct region *region = &parser->program->regions[index];
	unsigned long pages;

	if (!has_length(region->kind))
		return refuse_at(parser, parser->line, "file-pages: there is no file behind %s memory",
				 kind_names[region->kind]);
	if (!take_number(parser, "file-pages", 0, MAX_OBJECT_PAGES, &pages))
		return false;
	region->object_pages = (long)pages;
	parser->length_given[index] = true;
	return true;
}

static bool take_alias(struct parser *parser, int index)
{
	struct region *regions = parser->program->regions;
	int object;

	if (parser->length_given[index])
		return refuse_at(parser, parser->line, "file-pages belongs to the region that is aliased");
	if (!take_region(parser, &object))
		return false;
	if (!can_alias(regions[object].kind) || regions[object].kind != regions[index].kind)
		return refuse_at(parser, parser->line,
				 "alias: both regions must be of kind file, shm or memfd, and of the same");
	regions[index].alias = regions[object].alias >= 0 ? regions[object].alias : object;
	return true;
}

static bool take_huge(struct parser *parser, struct region *region)
{
	struct word word;
	int wish;

	if (!take_word(parser, "always or never", &word))
		return false;
	if (!word_value(word, huge_wishes, &wish))
		return refuse_word(parser, "wish for huge pages (always or never)", word);
	if (region->kind == KIND_HUGETLB || region->kind == KIND_SECRETMEM)
		return refuse_at(parser, parser->line, "huge: %s memory has pages of one size only",
				 kind_names[region->kind]);
	region->huge = (enum huge_wish)wish;
	return true;
}

bool parse_region(struct parser *parser)
{
	struct program *program = parser->program;
	int index = program->region_count;
	struct region *region = &program->regions[index];
	struct word word;

	if (index == MAX_REGIONS)
		return refuse_at(parser, parser->line, "more than %d regions", MAX_REGIONS);
	*region = (struct region){ .alias = -1 };
	if (!take_letter(parser, &region->letter))
		return false;
	if (find_region(program, region->letter) >= 0)
		return refuse_at(parser, parser->line, "%c is declared already", region->letter);
	if (!take_kind(parser, &region->kind) || !take_protection(parser, &region->protection) ||
	    !take_share(parser, region))
		return false;
	while (parser->more) {
		if (!take_word(parser, "file-pages, alias or huge", &word))
			return false;
		if (word_is(word, "huge") && region->huge == HUGE_AS_IT_IS) {
			if (!take_huge(parser, region))
				return false;
		} else if (word_is(word, "file-pages") && !parser->length_given[index] && region->alias < 0) {
			if (!take_file_pages(parser, index))
				return false;
		} else if (word_is(word, "alias") && region->alias < 0) {
			if (!take_alias(parser, index))
				return false;
		} else {
			return refuse_at(parser, parser->line, "\"%.*s\" is too much", word_shown(word), word.text);
		}
	}
	program->region_lines[index] = parser->line;
	program->region_count++;
	return true;
}

bool parse_map(struct parser *parser)
{
	struct program *program = parser->program;
	int *by_page = parser->by_page;
	int count = program->map_count;
	struct placement *map = &program->maps[count];
	const struct range *range = &map->range;
	int position = count;

	if (!room_for_line(parser, count))
		return false;
	*map = (struct placement){ 0 };
	if (!take_placement(parser, map))
		return false;
	while (position > 0 && program->maps[by_page[position - 1]].range.page > range->page)
		position--;
	if (position > 0) {
		const struct range *before = &program->maps[by_page[position - 1]].range;

		if (before->page + before->count > range->page)
			return refuse_at(parser, parser->line, "page %lu is mapped already",
					 (unsigned long)range->page);
	}
	if (position < count && range->page + range->count > program->maps[by_page[position]].range.page)
		return refuse_at(parser, parser->line, "page %lu is mapped already",
				 (unsigned long)program->maps[by_page[position]].range.page);
	memmove(by_page + position + 1, by_page + position, (size_t)(count - position) * sizeof(*by_page));
	by_page[position] = count;
	program->map_count++;
	return true;
}

bool parse_guard(struct parser *parser)
{
	struct program *program = parser->program;
	struct guard *guard = &program->guards[program->guard_count];

	if (!room_for_line(parser, program->guard_count))
		return false;
	*guard = (struct guard){ .line = parser->line };
	if (!take_pages_of_arena(parser, &guard->range))
		return false;
	program->guard_count++;
	return true;
}

bool parse_lock(struct parser *parser)
{
	struct program *program = parser->program;
	struct earlier_lock *lock = &program->locks[program->lock_count];
	struct word word;
	int on_fault;

	if (!room_for_line(parser, program->lock_count))
		return false;
	*lock = (struct earlier_lock){ .line = parser->line };
	if (!take_pages_of_arena(parser, &lock->range) || !take_word(parser, "MODE", &word))
		return false;
	if (!word_value(word, lock_modes, &on_fault))
		return refuse_word(parser, "mode (eager or onfault)", word);
	lock->on_fault = on_fault;
	program->lock_count++;
	return true;
}

static bool take_memlock(struct parser *parser, struct limit *limit)
{
	struct word word;

	if (!take_word(parser, "SIZE", &word))
		return false;
	limit->kind = word_is(word, "unlimited") ? LIMIT_MEMLOCK_UNLIMITED : LIMIT_MEMLOCK;
	if (limit->kind == LIMIT_MEMLOCK && !word_size(word, &limit->memlock))
		return refuse_word(parser, "size (N, Np, Np+M or Np-M) and not unlimited", word);
	return true;
}

bool parse_limit(struct parser *parser)
{
	struct program *program = parser->program;
	struct limit *limit = &program->limits[program->limit_count];
	unsigned long slack;
	struct word word;

	if (!room_for_line(parser, program->limit_count) || !take_word(parser, "what to limit", &word))
		return false;
	*limit = (struct limit){ .line = parser->line };
	if (word_is(word, "memlock")) {
		if (!take_memlock(parser, limit))
			return false;
	} else if (word_is(word, "mappings")) {
		if (!take_number(parser, "SLACK", 0, MAX_PAGES, &slack))
			return false;
		if (parser->mappings_limited)
			return refuse_at(parser, parser->line, "mappings is given twice");
		parser->mappings_limited = true;
		limit->kind = LIMIT_MAPPINGS;
		limit->slack = (long)slack;
	} else if (word_is(word, "memory")) {
		if (!take_number(parser, "PAGES", 0, MAX_PAGES, &slack))
			return false;
		if (program->memory_line)
			return refuse_at(parser, parser->line, "memory is given twice");
		program->memory_line = parser->line;
		limit->kind = LIMIT_MEMORY;
		limit->slack = (long)slack;
	} else {
		return refuse_word(parser, "limit (memlock, mappings or memory)", word);
	}
	program->limit_count++;
	return true;
}

bool parse_as(struct parser *parser)
{
	struct word word;

	if (!take_word(parser, "unprivileged", &word))
		return false;
	if (!word_is(word, "unprivileged"))
		return refuse_word(parser, "privilege (unprivileged)", word);
	parser->program->unprivileged = true;
	parser->program->unprivileged_line = parser->line;
	return true;
}
