/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arena_strips.h"
#include "smaps_text.h"

enum { ARENA = 0x10000, PAGE = 0x1000, PAGES = 9 };

struct seen {
	struct arena_strips strips;
	char locked[PAGES + 1], mappings[PAGES + 1];
};

static void see(struct seen *seen, const char *maps)
{
	struct smaps smaps = smaps_to(arena_strips_take, &seen->strips);

	memset(seen, 0, sizeof(*seen));
	seen->strips = (struct arena_strips){
		.arena = ARENA,
		.pages = PAGES,
		.page_size = PAGE,
		.locked = seen->locked,
		.mappings = seen->mappings,
	};
	arena_strips_start(&seen->strips);
	assert_true(smaps_feed(&smaps, maps, strlen(maps)));
	smaps_end(&smaps);
}

static void locks_and_mappings_are_seen(void **state)
{
	struct seen seen;

	(void)state;
	see(&seen, smaps_text);
	assert_string_equal(seen.locked, "..L__F.._");
	assert_string_equal(seen.mappings, "|-|__||-_");
	assert_false(seen.strips.without_flags);
	assert_int_equal(seen.strips.elsewhere_mapped, 5);
	assert_int_equal(seen.strips.elsewhere_locked, 2);
}

static void mappings_across_the_border_count_inside_only(void **state)
{
	struct seen seen;

	(void)state;
	see(&seen, "0000f000-00011000 rw-p 00000000 00:00 0 \nVmFlags: lo\n");
	assert_string_equal(seen.locked, "L________");
	assert_string_equal(seen.mappings, "|________");
	assert_int_equal(seen.strips.elsewhere_mapped, 0);
}

static void without_flags_nothing_is_said_of_locks(void **state)
{
	struct seen seen;

	(void)state;
	see(&seen, "00010000-00012000 rw-p 00000000 00:00 0 \n00012000-00013000 r--p 00000000 00:00 0\n");
	assert_string_equal(seen.locked, "...______");
	assert_string_equal(seen.mappings, "|-|______");
	assert_true(seen.strips.without_flags);
}

static void the_kernel_need_not_say_of_its_own_pages(void **state)
{
	struct seen seen;

	(void)state;
	see(&seen, "00010000-00012000 rw-p 00000000 00:00 0 \nVmFlags: rd\n"
		   "7ffe0000-7ffe2000 r-xp 00000000 00:00 0                          [vdso]\n");
	assert_false(seen.strips.without_flags);
	see(&seen, "00010000-00012000 rw-p 00000000 00:00 0 \nVmFlags: rd\n"
		   "00020000-00022000 r-xp 00000000 00:00 0                          [heap]\n");
	assert_true(seen.strips.without_flags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locks_and_mappings_are_seen),
		cmocka_unit_test(mappings_across_the_border_count_inside_only),
		cmocka_unit_test(without_flags_nothing_is_said_of_locks),
		cmocka_unit_test(the_kernel_need_not_say_of_its_own_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
