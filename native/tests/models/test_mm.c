/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "mm/mm.h"

enum { SPACE = 32 };

static struct mapping anonymous(size_t start, size_t end)
{
	return (struct mapping){
		.span = { start, end },
		.kind = KIND_ANONYMOUS,
		.protection = PROT_READ | PROT_WRITE,
		.object = NO_OBJECT,
	};
}

static struct mapping file(size_t start, size_t end, size_t object_page)
{
	struct mapping mapping = anonymous(start, end);

	mapping.kind = KIND_FILE;
	mapping.object = 7;
	mapping.object_page = object_page;
	mapping.object_pages = 5;
	return mapping;
}

static struct mm *space_with(const struct mapping *mappings, size_t count)
{
	static struct faults none;
	struct mm *mm = mm_create(SPACE, &none);

	assert_non_null(mm);
	for (size_t i = 0; i < count; i++)
		mm_map(mm, &mappings[i]);
	return mm;
}

/* Draws the mappings as a strip: `|` and `-`, `_` where nothing is mapped. */
static void assert_layout(const struct mm *mm, const char *expected)
{
	char strip[SPACE + 1];

	memset(strip, '_', SPACE);
	strip[strlen(expected)] = '\0';
	for (size_t i = 0; i < mm->count; i++) {
		for (size_t page = mm->mappings[i].span.start; page < mm->mappings[i].span.end; page++)
			strip[page] = page == mm->mappings[i].span.start ? '|' : '-';
	}
	assert_string_equal(strip, expected);
}

static void a_split_divides_the_mappings_at_both_edges(void **state)
{
	struct mm *mm = space_with((struct mapping[]){ anonymous(1, 5), anonymous(6, 9) }, 2);

	(void)state;
	mm_split(mm, (struct span){ 3, 8 });
	assert_layout(mm, "_|-|-_|-|_");
	free(mm);
}

static void a_split_at_existing_edges_or_holes_changes_nothing(void **state)
{
	struct mm *mm = space_with((struct mapping[]){ anonymous(1, 5), anonymous(6, 9) }, 2);

	(void)state;
	mm_split(mm, (struct span){ 0, 5 });
	mm_split(mm, (struct span){ 1, 9 });
	mm_split(mm, (struct span){ 5, 31 });
	assert_layout(mm, "_|---_|--_");
	free(mm);
}

static void a_merge_undoes_a_split(void **state)
{
	struct mm *mm = space_with((struct mapping[]){ anonymous(0, 4), file(4, 8, 1) }, 2);
	struct mapping before[2];

	(void)state;
	memcpy(before, mm->mappings, sizeof(before));
	mm_split(mm, (struct span){ 1, 6 });
	assert_layout(mm, "||--|-|-");
	mm_merge(mm);
	assert_int_equal(mm->count, 2);
	assert_memory_equal(mm->mappings, before, sizeof(before));
	free(mm);
}

static void a_file_merges_only_where_it_continues(void **state)
{
	struct mm *mm = space_with((struct mapping[]){ file(0, 2, 0), file(2, 3, 2), file(3, 4, 4) }, 3);

	(void)state;
	mm_merge(mm);
	assert_layout(mm, "|--|");
	free(mm);
}

static void mappings_that_differ_do_not_merge(void **state)
{
	struct mapping different[] = {
		anonymous(4, 5), anonymous(4, 5), anonymous(4, 5), anonymous(4, 5), anonymous(4, 5), anonymous(4, 5),
	};

	(void)state;
	different[0].kind = KIND_STACK;
	different[1].protection = PROT_NONE;
	different[2].shared = true;
	different[3].apart = true;
	different[4].lock = LOCK_ON_FAULT;
	different[5].span = (struct span){ 5, 6 };
	for (size_t i = 0; i < sizeof(different) / sizeof(*different); i++) {
		struct mm *mm = space_with((struct mapping[]){ anonymous(2, 4), different[i] }, 2);

		mm_merge(mm);
		assert_int_equal(mm->count, 2);
		free(mm);
	}
}

static void unmapping_leaves_both_ends_and_forgets_the_pages(void **state)
{
	struct mm *mm = space_with((struct mapping[]){ anonymous(0, 4), file(4, 8, 0) }, 2);

	(void)state;
	mm_populate(mm, (struct span){ 0, 8 });
	mm_unmap(mm, (struct span){ 2, 6 });
	assert_layout(mm, "|-____|-");
	assert_int_equal(mm->mappings[1].object_page, 2);
	assert_true(mm->pages[1].resident);
	assert_false(mm->pages[2].resident);
	assert_false(mm->pages[5].resident);
	assert_true(mm->pages[6].resident);
	free(mm);
}

static void mapping_replaces_what_is_there(void **state)
{
	struct mm *mm = space_with((struct mapping[]){ anonymous(0, 3), anonymous(3, 6), file(2, 5, 0) }, 3);

	(void)state;
	assert_layout(mm, "|-|--|");
	assert_int_equal(mm->mappings[1].object, 7);
	free(mm);
}

static void every_page_can_be_a_mapping(void **state)
{
	struct mm *mm = space_with((struct mapping[]){ anonymous(0, SPACE) }, 1);

	(void)state;
	for (size_t page = 0; page < SPACE; page++)
		mm_split(mm, (struct span){ page, page + 1 });
	assert_int_equal(mm->count, SPACE);
	mm_merge(mm);
	assert_int_equal(mm->count, 1);
	free(mm);
}

static void populating_stops_at_a_page_that_cannot_be_resident(void **state)
{
	struct mapping none = anonymous(2, 3);
	struct mm *mm;

	(void)state;
	none.protection = PROT_NONE;
	mm = space_with((struct mapping[]){ anonymous(0, 2), none, anonymous(3, 4), file(8, 14, 0) }, 4);
	mm->pages[10].guard = true;

	assert_false(mm_populate(mm, (struct span){ 0, 4 }));
	assert_true(mm->pages[1].resident);
	assert_false(mm->pages[3].resident);
	assert_true(mm_populate(mm, (struct span){ 3, 10 }));
	assert_false(mm_populate(mm, (struct span){ 8, 11 }));
	assert_true(mm_populate(mm, (struct span){ 11, 13 }));
	assert_false(mm_populate(mm, (struct span){ 13, 14 }));
	free(mm);
}

static void only_the_armed_allocation_fails(void **state)
{
	struct mm *mm = space_with((struct mapping[]){ anonymous(0, 4) }, 1);
	struct faults faults = { .countdown = 3 };

	(void)state;
	mm->faults = &faults;
	assert_false(mm_populate(mm, (struct span){ 0, 4 }));
	assert_true(faults.injected);
	assert_true(mm->pages[1].resident);
	assert_false(mm->pages[2].resident);
	assert_true(mm_populate(mm, (struct span){ 0, 4 }));
	free(mm);
}

static void counts_take_only_the_part_of_a_mapping_in_the_span(void **state)
{
	struct mapping locked = anonymous(4, 8);
	struct mm *mm;

	(void)state;
	locked.lock = LOCK_EAGER;
	mm = space_with((struct mapping[]){ anonymous(0, 3), locked }, 2);
	assert_int_equal(mm_mapped_pages(mm, (struct span){ 2, 6 }), 3);
	assert_int_equal(mm_locked_pages(mm, (struct span){ 2, 6 }), 2);
	assert_int_equal(mm_mapped_pages(mm, mm_everything(mm)), 7);
	assert_true(mm_is_mapped(mm, (struct span){ 5, 7 }));
	assert_false(mm_is_mapped(mm, (struct span){ 2, 5 }));
	assert_false(mm_is_mapped(mm, (struct span){ 6, SIZE_MAX }));
	free(mm);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* What is true of every address space, and what a merge makes true. */
static void assert_sound(const struct mm *mm, bool merged)
{
	for (size_t i = 0; i < mm->count; i++) {
		const struct mapping *m = &mm->mappings[i];

		assert_true(m->span.start < m->span.end);
		assert_true(m->span.end <= SPACE);
		if (i == 0)
			continue;
		assert_true(m[-1].span.end <= m->span.start);
		if (merged)
			assert_false(m[-1].span.end == m->span.start && m[-1].lock == m->lock);
	}
}

static void random_changes_keep_the_space_sound_and_every_page_what_it_was_made(void **state)
{
	struct mm *mm = space_with(NULL, 0);
	char expected[SPACE + 1], seen[SPACE + 1];
	uint32_t seed = 1;

	(void)state;
	memset(expected, '_', sizeof(expected));
	expected[SPACE] = seen[SPACE] = '\0';
	for (int round = 0; round < 20000; round++) {
		size_t start = next_random(&seed) % SPACE;
		struct span span = { start, start + 1 + next_random(&seed) % (SPACE - start) };
		uint32_t choice = next_random(&seed) % 4;
		struct mapping mapping = anonymous(span.start, span.end);

		mapping.lock = choice == 0 ? LOCK_EAGER : LOCK_NONE;
		if (choice < 2) {
			mm_map(mm, &mapping);
			memset(expected + start, choice == 0 ? 'L' : '.', span.end - start);
		} else if (choice == 2) {
			mm_unmap(mm, span);
			memset(expected + start, '_', span.end - start);
		} else {
			mm_split(mm, span);
		}
		assert_sound(mm, false);
		mm_merge(mm);
		assert_sound(mm, true);

		memset(seen, '_', SPACE);
		for (size_t i = 0; i < mm->count; i++) {
			const struct mapping *m = &mm->mappings[i];

			memset(seen + m->span.start, m->lock == LOCK_EAGER ? 'L' : '.', m->span.end - m->span.start);
		}
		assert_string_equal(seen, expected);
	}
	free(mm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_split_divides_the_mappings_at_both_edges),
		cmocka_unit_test(a_split_at_existing_edges_or_holes_changes_nothing),
		cmocka_unit_test(a_merge_undoes_a_split),
		cmocka_unit_test(a_file_merges_only_where_it_continues),
		cmocka_unit_test(mappings_that_differ_do_not_merge),
		cmocka_unit_test(unmapping_leaves_both_ends_and_forgets_the_pages),
		cmocka_unit_test(mapping_replaces_what_is_there),
		cmocka_unit_test(every_page_can_be_a_mapping),
		cmocka_unit_test(populating_stops_at_a_page_that_cannot_be_resident),
		cmocka_unit_test(only_the_armed_allocation_fails),
		cmocka_unit_test(counts_take_only_the_part_of_a_mapping_in_the_span),
		cmocka_unit_test(random_changes_keep_the_space_sound_and_every_page_what_it_was_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
