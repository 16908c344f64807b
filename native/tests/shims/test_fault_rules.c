/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fault_rules.h"

static const char *complaint(const char *spec)
{
	static char buffer[256];
	static struct rules rules;
	struct text wrong = text_in(buffer, sizeof(buffer));

	memset(buffer, 0, sizeof(buffer));
	return rules_read(spec, &rules, &wrong) ? NULL : buffer;
}

static void a_rule_picks_the_call_the_number_the_manner_and_the_errno(void **state)
{
	struct rules rules;
	struct text wrong = { 0 };
	const struct rule *rule;

	(void)state;
	assert_true(rules_read("mlock@2=fail:EAGAIN,munlock@3..=late,any@9=lie,mmap=part", &rules, &wrong));
	assert_int_equal(rules.count, 4);
	rule = rules_find(&rules, MLOCK, 2, 2);
	assert_int_equal(rule->manner, FAIL);
	assert_int_equal(rule->error, EAGAIN);
	assert_null(rules_find(&rules, MLOCK, 1, 1));
	assert_null(rules_find(&rules, MLOCK, 3, 3));
	assert_null(rules_find(&rules, MUNLOCK, 2, 5));
	assert_int_equal(rules_find(&rules, MUNLOCK, 300, 500)->error, ENOMEM);
	assert_int_equal(rules_find(&rules, MUNLOCK, 3, 5)->manner, LATE);
	assert_int_equal(rules_find(&rules, MSYNC, 1, 9)->manner, LIE);
	assert_int_equal(rules_find(&rules, MMAP, 1, 1)->manner, PART);
}

static void no_text_is_no_rule(void **state)
{
	(void)state;
	assert_null(complaint(""));
}

static void what_is_wrong_is_said_with_what_to_write_instead(void **state)
{
	(void)state;
	assert_non_null(strstr(complaint("mlok=fail"), "\"mlok\": no such call; write mlock, "));
	assert_non_null(strstr(complaint("mlock"), "\"mlock\": no rule; write CALL[@WHEN]=MANNER[:ERRNO]"));
	assert_non_null(strstr(complaint("mlock@0=fail"), "\"0\": no number of a call"));
	assert_non_null(strstr(complaint("mlock@2.=fail"), "\"2.\": no number of a call"));
	assert_non_null(strstr(complaint("mlock@=fail"), "\"\": no number of a call"));
	assert_non_null(strstr(complaint("mlock=fall"), "\"fall\": no manner"));
	assert_non_null(strstr(complaint("mlock=fail:"), "\"\": no name of an errno"));
	assert_non_null(strstr(complaint("mlock=fail:E?41"), "no name of an errno"));
	assert_non_null(strstr(complaint("mlock=lie:EAGAIN"), "a lie reports success"));
	assert_non_null(strstr(complaint("mlock=fail,,"), "\"\": no rule"));
}

static void more_rules_than_there_is_room_for_are_refused(void **state)
{
	char spec[17 * 11 + 1] = "";

	(void)state;
	for (int i = 0; i < 17; i++)
		strcat(spec, "mlock=fail,");
	assert_non_null(strstr(complaint(spec), "too many rules"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_picks_the_call_the_number_the_manner_and_the_errno),
		cmocka_unit_test(no_text_is_no_rule),
		cmocka_unit_test(what_is_wrong_is_said_with_what_to_write_instead),
		cmocka_unit_test(more_rules_than_there_is_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
