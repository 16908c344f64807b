/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes can be read as smaps: the mappings are the same in whatever pieces
 * they come, and what is seen of the arena stays inside its strips. The first
 * byte is the length of a piece.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arena_strips.h"
#include "kernel/smaps.h"

enum { ARENA = 0x10000, PAGE = 0x1000, PAGES = 9, MOST_MAPPINGS = 512 };

struct seen {
	struct smaps_mapping mappings[MOST_MAPPINGS];
	size_t count;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool keep(void *self, const struct smaps_mapping *mapping)
{
	struct seen *seen = self;

	require(!mapping->on_fault || mapping->locked);
	require(!mapping->locked || mapping->has_flags);
	require(!mapping->is_gate || mapping->of_kernel);
	seen->mappings[seen->count++] = *mapping;
	return seen->count < MOST_MAPPINGS;
}

static void read_in_pieces(struct smaps *smaps, const char *bytes, size_t count, size_t piece)
{
	for (size_t at = 0; at < count; at += piece) {
		size_t length = count - at < piece ? count - at : piece;
		char *copy = malloc(length); /* what is read beyond it is found */

		require(copy != NULL);
		memcpy(copy, bytes + at, length);
		smaps_feed(smaps, copy, length);
		free(copy);
	}
	if (!smaps->stopped)
		smaps_end(smaps);
}

static bool is_same(const struct smaps_mapping *one, const struct smaps_mapping *two)
{
	return one->start == two->start && one->end == two->end && one->of_kernel == two->of_kernel &&
	       one->is_gate == two->is_gate && one->has_flags == two->has_flags && one->locked == two->locked &&
	       one->on_fault == two->on_fault;
}

static void check_pieces(const char *bytes, size_t count, size_t piece)
{
	static struct seen whole, parts;
	struct smaps of_whole = smaps_to(keep, &whole), of_parts = smaps_to(keep, &parts);

	whole.count = parts.count = 0;
	read_in_pieces(&of_whole, bytes, count, count);
	read_in_pieces(&of_parts, bytes, count, piece);
	require(whole.count == parts.count);
	for (size_t i = 0; i < whole.count; i++)
		require(is_same(&whole.mappings[i], &parts.mappings[i]));
}

static void check_strips(const char *bytes, size_t count, size_t piece)
{
	char locked[PAGES + 1] = "", mappings[PAGES + 1] = "";
	struct arena_strips strips = {
		.arena = ARENA,
		.pages = PAGES,
		.page_size = PAGE,
		.locked = locked,
		.mappings = mappings,
	};
	struct smaps smaps = smaps_to(arena_strips_take, &strips);

	arena_strips_start(&strips);
	read_in_pieces(&smaps, bytes, count, piece);
	require(strspn(locked, ".LF_") == PAGES && !locked[PAGES]);
	require(strspn(mappings, "|-_") == PAGES && !mappings[PAGES]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;

	if (size < 2)
		return 0;
	check_pieces(bytes, size - 1, 1 + data[0] % 64);
	check_strips(bytes, size - 1, 1 + data[0] % 64);
	return 0;
}
