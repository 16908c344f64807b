/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inner_calls.h"

enum {
	CHUNK = 1024,
	LINE = 128, /* as much of a line of smaps as matters */
};

size_t page_size(void)
{
	static size_t size;

	if (!size)
		size = getauxval(AT_PAGESZ);
	return size;
}

int ask_msync(uintptr_t start, uintptr_t end)
{
	return inner.msync((void *)start, end - start, MS_ASYNC | MS_INVALIDATE) == 0 ? 0 : errno;
}

/* Open, read and close of a libc are cancellation points, and others may stand in front of them. */
static int open_file(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

static void close_file(int file)
{
	syscall(SYS_close, file);
}

/* False: no room. */
static bool add(struct runs *runs, struct range range, uintptr_t start, uintptr_t end, enum mode mode)
{
	struct run *last = runs->count ? &runs->at[runs->count - 1] : NULL;

	start = start > range.start ? start : range.start;
	end = end < range.end ? end : range.end;
	if (start >= end || mode == NOT_LOCKED)
		return true;
	if (last && last->end == start && last->mode == mode) {
		last->end = end;
		return true;
	}
	if (runs->count == runs->room)
		return false;
	runs->at[runs->count++] = (struct run){ start, end, mode };
	return true;
}

struct reader {
	int file;
	char bytes[CHUNK];
	size_t at, used;
	bool broken;
};

static bool fill(struct reader *reader)
{
	long count;

	do {
		count = syscall(SYS_read, reader->file, reader->bytes, sizeof(reader->bytes));
	} while (count < 0 && errno == EINTR);
	reader->at = 0;
	reader->used = count > 0 ? (size_t)count : 0;
	reader->broken = count < 0;
	return count > 0;
}

/* The beginning of the next line, without its end; false: there is none. */
static bool next_line(struct reader *reader, char line[LINE])
{
	size_t length = 0;

	for (;;) {
		if (reader->at == reader->used && !fill(reader))
			return false;
		if (reader->bytes[reader->at] == '\n')
			break;
		if (length < LINE - 1)
			line[length++] = reader->bytes[reader->at];
		reader->at++;
	}
	reader->at++;
	line[length] = '\0';
	return true;
}

static const char *read_hex(const char *text, uintptr_t *number)
{
	for (*number = 0;; text++) {
		if (*text >= '0' && *text <= '9')
			*number = *number * 16 + (uintptr_t)(*text - '0');
		else if (*text >= 'a' && *text <= 'f')
			*number = *number * 16 + (uintptr_t)(*text - 'a') + 10;
		else
			return text;
	}
}

/* START-END PERMISSIONS …: no other line of smaps has a number in lower case and a - at its beginning. */
static bool read_header(const char *line, struct range *mapping)
{
	struct range read;
	const char *dash = read_hex(line, &read.start);
	const char *end;

	if (dash == line || *dash != '-')
		return false;
	end = read_hex(dash + 1, &read.end);
	if (end == dash + 1 || *end != ' ')
		return false;
	*mapping = read;
	return true;
}

static enum mode mode_of_flags(const char *flags)
{
	enum mode mode = NOT_LOCKED;

	for (; *flags; flags++) {
		if (flags[0] != ' ')
			continue;
		if (flags[1] == 'l' && flags[2] == 'o' && mode == NOT_LOCKED)
			mode = EAGER;
		if (flags[1] == 'l' && flags[2] == 'f')
			mode = ON_FAULT;
	}
	return mode;
}

/* A mapping without flags is one of a kernel that does not tell. */
static enum known find_in_smaps(struct range range, struct runs *runs, uintptr_t *upto)
{
	static const char label[] = "VmFlags:";
	struct reader reader = { .file = open_file("/proc/self/smaps") };
	struct range mapping = { 0, 0 };
	enum known known = ALL_KNOWN;
	bool flags_seen = true;
	char line[LINE];

	if (reader.file < 0)
		return NOTHING_KNOWN;
	while (known == ALL_KNOWN && next_line(&reader, line)) {
		if (read_header(line, &mapping)) {
			if (!flags_seen)
				known = NOTHING_KNOWN;
			flags_seen = false;
			if (mapping.start >= range.end)
				break;
		} else if (strncmp(line, label, sizeof(label) - 1) == 0) {
			flags_seen = true;
			if (!add(runs, range, mapping.start, mapping.end, mode_of_flags(line + sizeof(label) - 1))) {
				*upto = mapping.start > range.start ? mapping.start : range.start;
				known = PART_KNOWN;
			}
		}
	}
	if (reader.broken || (!flags_seen && mapping.start < range.end))
		known = NOTHING_KNOWN;
	close_file(reader.file);
	return known;
}

/* PROCMAP_QUERY of /proc/PID/maps, and what it takes and gives (Linux, Documentation/filesystems/proc.rst). */
struct mapping_query {
	uint64_t size, flags, address;
	uint64_t start, end;
	uint64_t vma_flags, page_size, offset, inode;
	uint32_t device[2];
	uint32_t name_size, build_id_size;
	uint64_t name, build_id;
};

#define MAPPING_QUERY _IOWR('f', 17, struct mapping_query)

enum { OR_THE_NEXT = 0x10 };

/* The mapping at an address or the first one above it; a page where the kernel does not tell. */
static struct range piece_at(int *maps, uintptr_t address, uintptr_t end)
{
	struct mapping_query query = { .size = sizeof(query), .flags = OR_THE_NEXT, .address = address };
	struct range piece = { address, address + page_size() };

	if (*maps < 0)
		return piece;
	if (syscall(SYS_ioctl, *maps, MAPPING_QUERY, &query) == 0) {
		piece.start = query.start > address ? (uintptr_t)query.start : address;
		piece.end = query.end < end ? (uintptr_t)query.end : end;
	} else if (errno == ENOENT) {
		piece = (struct range){ end, end };
	} else {
		close_file(*maps);
		*maps = -1;
	}
	return piece;
}

/* ENOMEM says that a page is not mapped. Where there is a better observer it is not taken at its word. */
static enum known find_by_msync(struct range range, bool trusting, struct runs *runs, uintptr_t *upto)
{
	int maps = (range.end - range.start) / page_size() > FEW_PAGES ? open_file("/proc/self/maps") : -1;
	enum known known = ALL_KNOWN;
	struct range piece = { range.start, range.start };

	while (known == ALL_KNOWN) {
		int said;

		piece = piece_at(&maps, piece.end, range.end);
		if (piece.start >= range.end)
			break;
		said = ask_msync(piece.start, piece.end);
		if (said == EBUSY) {
			if (!add(runs, range, piece.start, piece.end, EAGER)) {
				*upto = piece.start;
				known = PART_KNOWN;
			}
		} else if (said != 0 && !(said == ENOMEM && trusting)) {
			known = NOTHING_KNOWN;
		}
		if (piece.end >= range.end)
			break;
	}
	if (maps >= 0)
		close_file(maps);
	return known;
}

enum known find_locks(struct range range, enum observer first, struct runs *runs, uintptr_t *upto)
{
	bool everywhere = range.end - range.start > UINTPTR_MAX / 2;
	size_t count = runs->count;
	enum known known = NOTHING_KNOWN;

	if (first == BY_MSYNC && !everywhere)
		known = find_by_msync(range, false, runs, upto);
	if (known == NOTHING_KNOWN) {
		runs->count = count;
		known = find_in_smaps(range, runs, upto);
	}
	if (known == NOTHING_KNOWN && first == BY_SMAPS && !everywhere) {
		runs->count = count;
		known = find_by_msync(range, true, runs, upto);
	}
	return known;
}
