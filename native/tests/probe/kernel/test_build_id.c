/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/build_id.h"

enum { ROOM = 256 };

struct notes {
	unsigned char bytes[ROOM];
	size_t size;
};

static void add(struct notes *notes, uint32_t type, const char *name, uint32_t name_size, const void *about,
		uint32_t size)
{
	uint32_t header[] = { name_size, size, type };

	memcpy(notes->bytes + notes->size, header, sizeof(header));
	notes->size += sizeof(header);
	memcpy(notes->bytes + notes->size, name, name_size);
	notes->size += (name_size + 3) / 4 * 4;
	memcpy(notes->bytes + notes->size, about, size);
	notes->size += (size + 3) / 4 * 4;
}

/* In memory of exactly this size, so that a sanitizer sees what is read behind it. */
static bool find_in(const unsigned char *bytes, size_t size, char *id)
{
	unsigned char *exact = malloc(size ? size : 1);
	bool found;

	assert_non_null(exact);
	memcpy(exact, bytes, size);
	found = build_id_find(exact, size, id);
	free(exact);
	return found;
}

static void test_the_build_id_is_found_behind_other_notes(void **state)
{
	struct notes notes = { .size = 0 };
	char id[BUILD_ID_ROOM];

	(void)state;
	add(&notes, 3, "Xen", 4, "\1\2\3", 3);
	add(&notes, 6, "Linux", 6, "6.1", 4);
	add(&notes, 3, "GNU", 4, "\x4a\x5a\x9b\x0a\xff\xb6\x6c\x43\x7a\xbc\xd4\x55\xd2\x73\x8a\xf8\x79\x98\x5f\xa9",
	    20);
	assert_true(find_in(notes.bytes, notes.size, id));
	assert_string_equal(id, "4a5a9b0affb66c437abcd455d2738af879985fa9");
}

static void test_notes_that_are_cut_or_lie_about_their_size_have_none(void **state)
{
	struct notes notes = { .size = 0 };
	const uint32_t liar[] = { UINT32_MAX, UINT32_MAX, 3, 0 };
	char id[BUILD_ID_ROOM];

	(void)state;
	add(&notes, 3, "GNU", 4, "0123456789abcdef0123", 20);
	for (size_t size = 0; size < notes.size; size++)
		assert_false(find_in(notes.bytes, size, id));
	assert_false(find_in((const unsigned char *)liar, sizeof(liar), id));
}

static void test_an_id_that_is_empty_or_too_long_is_none(void **state)
{
	char longest[BUILD_ID_ROOM / 2 + 1] = { 0 }, id[BUILD_ID_ROOM];
	struct notes empty = { .size = 0 }, longer = { .size = 0 }, fits = { .size = 0 };

	(void)state;
	add(&empty, 3, "GNU", 4, "", 0);
	assert_false(find_in(empty.bytes, empty.size, id));
	add(&longer, 3, "GNU", 4, longest, sizeof(longest));
	assert_false(find_in(longer.bytes, longer.size, id));
	add(&fits, 3, "GNU", 4, longest, sizeof(longest) - 1);
	assert_true(find_in(fits.bytes, fits.size, id));
	assert_int_equal(strlen(id), BUILD_ID_ROOM - 1);
}

static void test_a_program_knows_its_own(void **state)
{
	char id[BUILD_ID_ROOM] = "";

	(void)state;
	assert_true(build_id_own(id));
	assert_int_equal(strlen(id), 40);
	assert_int_equal(strspn(id, "0123456789abcdef"), 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_build_id_is_found_behind_other_notes),
		cmocka_unit_test(test_notes_that_are_cut_or_lie_about_their_size_have_none),
		cmocka_unit_test(test_an_id_that_is_empty_or_too_long_is_none),
		cmocka_unit_test(test_a_program_knows_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
