/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/smaps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static bool starts_with(const struct line *line, const char *text, size_t length)
{
	return (size_t)(line->end - line->at) >= length && memcmp(line->at, text, length) == 0;
}

/* The name of a mapping that the kernel makes for itself; the line goes on with its permissions. */
static void take_name(struct smaps_mapping *mapping, struct line line)
{
	static const char *const names[] = { "[vsyscall]", "[vdso]", "[vvar", "[usertrap]" }; /* the last is gVisor's */

	if (line.end[-1] != ']')
		return;
	for (int field = 0; field < 4; field++)
		skip_word(&line);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!starts_with(&line, names[i], strlen(names[i])))
			continue;
		mapping->of_kernel = true;
		mapping->is_gate = i == 0;
	}
}

static void hand_on(struct smaps *smaps)
{
	if (smaps->is_open && !smaps->stopped)
		smaps->stopped = !smaps->take(smaps->self, &smaps->mapping);
	smaps->is_open = false;
}

/* START-END PERMISSIONS OFFSET DEVICE INODE NAME */
static void take_header(struct smaps *smaps, struct line line)
{
	struct smaps_mapping mapping = { 0 };

	if (!read_hex(&line, &mapping.start) || !skip_character(&line, '-') || !read_hex(&line, &mapping.end) ||
	    !skip_character(&line, ' '))
		return;
	hand_on(smaps);
	take_name(&mapping, line);
	smaps->mapping = mapping;
	smaps->is_open = true;
}

/* The last line about a mapping: words of two letters, with blanks around them. */
static void take_flags(struct smaps *smaps, struct line flags)
{
	struct smaps_mapping *mapping = &smaps->mapping;
	bool on_fault = false;

	for (; flags.end - flags.at > 2; flags.at++) {
		if (flags.at[0] != ' ' || flags.at[1] != 'l' || (flags.end - flags.at > 3 && flags.at[3] != ' '))
			continue;
		mapping->locked |= flags.at[2] == 'o';
		on_fault |= flags.at[2] == 'f';
	}
	mapping->has_flags = true;
	mapping->on_fault = mapping->locked && on_fault;
	hand_on(smaps);
}

/*
 * Most lines are of no interest, as their first byte tells: a header begins
 * with a digit or a small letter. Of a line that came in one piece no more
 * matters than of one that had to be kept.
 */
static void take_line(struct smaps *smaps, struct line line)
{
	static const char flags[] = "VmFlags:";

	if (line.end - line.at > SMAPS_LINE)
		line.end = line.at + SMAPS_LINE;
	if (line.at == line.end)
		return;
	if (*line.at < 'A' || *line.at > 'Z') {
		take_header(smaps, line);
	} else if (*line.at == 'V' && starts_with(&line, flags, sizeof(flags) - 1)) {
		line.at += sizeof(flags) - 1;
		take_flags(smaps, line);
	}
}

struct smaps smaps_to(bool (*take)(void *self, const struct smaps_mapping *mapping), void *self)
{
	return (struct smaps){ .take = take, .self = self };
}

static void keep(struct smaps *smaps, const char *bytes, size_t count)
{
	size_t room = sizeof(smaps->line) - smaps->used;

	if (count > room)
		count = room;
	memcpy(smaps->line + smaps->used, bytes, count);
	smaps->used += count;
}

/*
 * Behind a header come lines of no interest, twenty and more, and then the
 * flags: in all of them is no V, and no -, which every header has. Where that
 * is so the flags are next.
 */
static const char *skip_to_flags(const char *bytes, const char *end)
{
	const char *flags = memchr(bytes, 'V', (size_t)(end - bytes));

	if (!flags || flags == bytes || flags[-1] != '\n' || memchr(bytes, '-', (size_t)(flags - bytes)))
		return bytes;
	return flags;
}

bool smaps_feed(struct smaps *smaps, const char *bytes, size_t count)
{
	const char *end = bytes + count;

	while (bytes < end && !smaps->stopped) {
		const char *newline, *line_end;

		if (smaps->is_open && !smaps->used)
			bytes = skip_to_flags(bytes, end);
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		line_end = newline ? newline : end;
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
	return !smaps->stopped;
}

void smaps_end(struct smaps *smaps)
{
	hand_on(smaps);
}

bool smaps_read_from(struct smaps *smaps, int file, char *buffer, size_t size)
{
	bool wanted = true;
	long count;

	if (syscall(SYS_lseek, file, 0, SEEK_SET) != 0)
		return false;
	do {
		count = syscall(SYS_read, file, buffer, size);
		if (count > 0)
			wanted = smaps_feed(smaps, buffer, (size_t)count);
	} while (wanted && (count > 0 || (count < 0 && errno == EINTR)));
	if (wanted && count == 0)
		smaps_end(smaps);
	return !wanted || count == 0;
}

int smaps_open(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

bool smaps_read(struct smaps *smaps, const char *path, char *buffer, size_t size)
{
	int file = smaps_open(path);
	bool seen = file >= 0 && smaps_read_from(smaps, file, buffer, size);

	if (file >= 0)
		syscall(SYS_close, file);
	return seen;
}
