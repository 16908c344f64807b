/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/smaps.h"
#include "smaps_text.h"

static const char expected[] = "8000-a000 flags locked\n"
			       "10000-12000 flags\n"
			       "12000-13000 flags locked\n"
			       "15000-16000 flags locked on-fault\n"
			       "16000-18000 flags\n"
			       "20000-23000 flags\n"
			       "7ffd0000-7ffd2000 kernel flags locked\n"
			       "7ffd8000-7ffd9000 kernel flags locked\n"
			       "7ffe0000-7ffe2000 kernel flags locked\n"
			       "ff600000-ff601000 kernel gate flags\n";

struct told {
	char text[1024];
	size_t used;
	unsigned long last; /* the mapping after which no more are wanted; 0: all are */
};

static bool tell(void *self, const struct smaps_mapping *mapping)
{
	struct told *told = self;

	told->used += (size_t)snprintf(told->text + told->used, sizeof(told->text) - told->used, "%lx-%lx%s%s%s%s%s\n",
				       mapping->start, mapping->end, mapping->of_kernel ? " kernel" : "",
				       mapping->is_gate ? " gate" : "", mapping->has_flags ? " flags" : "",
				       mapping->locked ? " locked" : "", mapping->on_fault ? " on-fault" : "");
	return mapping->start != told->last;
}

static void each_mapping_is_handed_on_with_what_its_lines_say(void **state)
{
	struct told told = { 0 };
	struct smaps smaps = smaps_to(tell, &told);

	(void)state;
	assert_true(smaps_feed(&smaps, smaps_text, strlen(smaps_text)));
	smaps_end(&smaps);
	assert_string_equal(told.text, expected);
}

static void lines_may_be_split_anywhere(void **state)
{
	(void)state;
	for (size_t first = 0; first <= strlen(smaps_text); first++) {
		for (size_t second = first; second <= strlen(smaps_text); second += 7) {
			struct told told = { 0 };
			struct smaps smaps = smaps_to(tell, &told);

			smaps_feed(&smaps, smaps_text, first);
			smaps_feed(&smaps, smaps_text + first, second - first);
			smaps_feed(&smaps, smaps_text + second, strlen(smaps_text) - second);
			smaps_end(&smaps);
			assert_string_equal(told.text, expected);
		}
	}
}

static void single_bytes_will_do(void **state)
{
	struct told told = { 0 };
	struct smaps smaps = smaps_to(tell, &told);

	(void)state;
	for (size_t i = 0; i < strlen(smaps_text); i++)
		smaps_feed(&smaps, smaps_text + i, 1);
	smaps_end(&smaps);
	assert_string_equal(told.text, expected);
}

static void long_lines_do_no_harm(void **state)
{
	static char line[4 * SMAPS_LINE];
	struct told told = { 0 };
	struct smaps smaps = smaps_to(tell, &told);

	(void)state;
	memset(line, 'x', sizeof(line));
	smaps_feed(&smaps, "00008000-0000a000 r-xp 00000000 08:01 131 /", 43);
	smaps_feed(&smaps, line, sizeof(line));
	smaps_feed(&smaps, "\n", 1);
	smaps_feed(&smaps, smaps_text + strcspn(smaps_text, "\n") + 1,
		   strlen(smaps_text) - strcspn(smaps_text, "\n") - 1);
	smaps_end(&smaps);
	assert_string_equal(told.text, expected);
}

/* What is kept of a line that is split is all that counts of one that is not. */
static void the_end_of_a_long_line_says_nothing(void **state)
{
	char line[2 * SMAPS_LINE];
	int length = snprintf(line, sizeof(line), "00010000-00012000 r-xp 00000000 00:00 0 [vdso]%*s]\nVmFlags: rd\n",
			      SMAPS_LINE, "");

	(void)state;
	for (int first = 0; first <= length; first++) {
		struct told told = { 0 };
		struct smaps smaps = smaps_to(tell, &told);

		smaps_feed(&smaps, line, (size_t)first);
		smaps_feed(&smaps, line + first, (size_t)(length - first));
		assert_string_equal(told.text, "10000-12000 flags\n");
	}
}

static void without_flags_a_mapping_ends_where_the_next_begins(void **state)
{
	static const char maps[] =
		"00010000-00012000 rw-p 00000000 00:00 0 \n00012000-00013000 r--p 00000000 00:00 0\n";
	struct told told = { 0 };
	struct smaps smaps = smaps_to(tell, &told);

	(void)state;
	smaps_feed(&smaps, maps, strlen(maps));
	assert_string_equal(told.text, "10000-12000\n");
	smaps_end(&smaps);
	assert_string_equal(told.text, "10000-12000\n12000-13000\n");
}

static void what_is_not_wanted_is_not_read(void **state)
{
	struct told told = { .last = 0x12000 };
	struct smaps smaps = smaps_to(tell, &told);

	(void)state;
	assert_false(smaps_feed(&smaps, smaps_text, strlen(smaps_text)));
	assert_false(smaps_feed(&smaps, smaps_text, strlen(smaps_text)));
	assert_string_equal(told.text, "8000-a000 flags locked\n"
				       "10000-12000 flags\n"
				       "12000-13000 flags locked\n");
}

static void a_file_is_read_in_pieces_as_large_as_the_buffer(void **state)
{
	char path[] = "/tmp/lockproof-smaps-XXXXXX", buffer[7];
	struct told told = { 0 };
	struct smaps smaps = smaps_to(tell, &told);
	int file = mkstemp(path);

	(void)state;
	assert_int_equal(write(file, smaps_text, strlen(smaps_text)), strlen(smaps_text));
	close(file);
	assert_true(smaps_read(&smaps, path, buffer, sizeof(buffer)));
	unlink(path);
	assert_string_equal(told.text, expected);
	assert_false(smaps_read(&smaps, path, buffer, sizeof(buffer)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mapping_is_handed_on_with_what_its_lines_say),
		cmocka_unit_test(lines_may_be_split_anywhere),
		cmocka_unit_test(single_bytes_will_do),
		cmocka_unit_test(long_lines_do_no_harm),
		cmocka_unit_test(the_end_of_a_long_line_says_nothing),
		cmocka_unit_test(without_flags_a_mapping_ends_where_the_next_begins),
		cmocka_unit_test(what_is_not_wanted_is_not_read),
		cmocka_unit_test(a_file_is_read_in_pieces_as_large_as_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
