/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/smaps.h"

#include <string.h>

/* A line, or what is left of it. */
struct line {
	const char *at;
	const char *end;
};

static bool skip_character(struct line *line, char character)
{
	if (line->at == line->end || *line->at != character)
		return false;
	line->at++;
	return true;
}

/* As the kernel writes it, in lower case: no other line of smaps begins like that. */
static bool read_hex(struct line *line, unsigned long *number)
{
	const char *at = line->at;
	unsigned long value = 0;
	bool found;

	for (; at < line->end; at++) {
		if (*at >= '0' && *at <= '9')
			value = value * 16 + (unsigned long)(*at - '0');
		else if (*at >= 'a' && *at <= 'f')
			value = value * 16 + (unsigned long)(*at - 'a') + 10;
		else
			break;
	}
	found = at > line->at;
	line->at = at;
	*number = value;
	return found;
}

static void skip_blanks(struct line *line)
{
	while (line->at < line->end && *line->at == ' ')
		line->at++;
}

static void skip_word(struct line *line)
{
	while (line->at < line->end && *line->at != ' ')
		line->at++;
	skip_blanks(line);
}

static bool starts_with(const struct line *line, const char *text)
{
	size_t length = strlen(text);

	return (size_t)(line->end - line->at) >= length && memcmp(line->at, text, length) == 0;
}

/* Part of the mapping inside the arena, as pages of it; false where there is none. */
static bool inside(const struct smaps *smaps, size_t *first, size_t *count)
{
	unsigned long arena_end = smaps->arena + (unsigned long)(smaps->pages * smaps->page_size);
	unsigned long start = smaps->start > smaps->arena ? smaps->start : smaps->arena;
	unsigned long end = smaps->end < arena_end ? smaps->end : arena_end;

	if (start >= end)
		return false;
	*first = (start - smaps->arena) / smaps->page_size;
	*count = (end - start) / smaps->page_size;
	return true;
}

/* Whether the mapping is one that the kernel makes for itself; the line goes on with its permissions. */
static bool is_kernels(struct line line)
{
	static const char *const names[] = { "[vdso]", "[vvar", "[vsyscall]", "[usertrap]" }; /* the last is gVisor's */

	if (line.end[-1] != ']')
		return false;
	for (int field = 0; field < 4; field++)
		skip_word(&line);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (starts_with(&line, names[i]))
			return true;
	}
	return false;
}

static void fill(char *strip, size_t first, size_t count, char character)
{
	if (strip)
		memset(strip + first, character, count);
}

/* START-END PERMISSIONS OFFSET DEVICE INODE NAME */
static void take_header(struct smaps *smaps, struct line line)
{
	unsigned long start, end;
	size_t first, count;

	if (!read_hex(&line, &start) || !skip_character(&line, '-') || !read_hex(&line, &end) ||
	    !skip_character(&line, ' '))
		return;
	smaps->start = start;
	smaps->end = end;
	smaps->own = false;
	if (inside(smaps, &first, &count)) {
		fill(smaps->locked, first, count, '.');
		fill(smaps->mappings, first, count, '-');
		fill(smaps->mappings, first, 1, '|');
		fill(smaps->writable, first, count, line.end - line.at > 1 && line.at[1] == 'w' ? 'w' : '.');
	} else if (!is_kernels(line)) {
		smaps->own = true;
		smaps->elsewhere_mapped += (long)((end - start) / smaps->page_size);
	}
}

static bool has_flag(struct line flags, const char *flag)
{
	while (flags.at < flags.end) {
		if (starts_with(&flags, flag) && (flags.end - flags.at == 2 || flags.at[2] == ' '))
			return true;
		skip_word(&flags);
	}
	return false;
}

static void take_flags(struct smaps *smaps, struct line flags)
{
	size_t first, count;

	skip_blanks(&flags);
	if (!has_flag(flags, "lo"))
		return;
	if (smaps->own)
		smaps->elsewhere_locked += (long)((smaps->end - smaps->start) / smaps->page_size);
	else if (inside(smaps, &first, &count))
		fill(smaps->locked, first, count, has_flag(flags, "lf") ? 'F' : 'L');
}

/* Most lines are of no interest, as their first byte tells: a header begins with a digit or a small letter. */
static void take_line(struct smaps *smaps, struct line line)
{
	static const char flags[] = "VmFlags:";

	if (line.at == line.end)
		return;
	if (*line.at < 'A' || *line.at > 'Z') {
		take_header(smaps, line);
	} else if (*line.at == 'V' && starts_with(&line, flags)) {
		line.at += sizeof(flags) - 1;
		take_flags(smaps, line);
	}
}

void smaps_start(struct smaps *smaps)
{
	fill(smaps->locked, 0, smaps->pages, '_');
	fill(smaps->mappings, 0, smaps->pages, '_');
	fill(smaps->writable, 0, smaps->pages, '_');
	smaps->elsewhere_mapped = 0;
	smaps->elsewhere_locked = 0;
	smaps->own = false;
	smaps->used = 0;
}

static void keep(struct smaps *smaps, const char *bytes, size_t count)
{
	size_t room = sizeof(smaps->line) - smaps->used;

	if (count > room)
		count = room;
	memcpy(smaps->line + smaps->used, bytes, count);
	smaps->used += count;
}

void smaps_feed(struct smaps *smaps, const char *bytes, size_t count)
{
	const char *end = bytes + count;

	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *line_end = newline ? newline : end;

		if (newline && !smaps->used) {
			take_line(smaps, (struct line){ bytes, line_end });
		} else {
			keep(smaps, bytes, (size_t)(line_end - bytes));
			if (newline) {
				take_line(smaps, (struct line){ smaps->line, smaps->line + smaps->used });
				smaps->used = 0;
			}
		}
		bytes = newline ? newline + 1 : end;
	}
}
