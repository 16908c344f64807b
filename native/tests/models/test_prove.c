/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prove/prove.h"

static struct lockproof_proof explored(const char *model, unsigned long long first, unsigned long long past,
				       int threads)
{
	struct lockproof_proof proof = { .first = first, .past = past, .pages = 3, .threads = threads };

	assert_int_equal(lockproof_prove(model, &proof), 0);
	assert_int_equal(proof.covered, past);
	return proof;
}

static void every_address_space_has_a_number(void **state)
{
	unsigned long long number = 0, next = 7 + 49;

	(void)state;
	assert_int_equal(space_numbered(6).pages, 1);
	assert_int_equal(space_numbered(6).what[0], PAGE_LOCKED_NONE);
	assert_int_equal(space_numbered(7).pages, 2);
	assert_int_equal(space_numbered(next).pages, 3);
	for (; number < next; number++) {
		const struct space space = space_numbered(number);

		for (int page = 0; page < space.pages; page++)
			assert_in_range(space.what[page], 0, PAGE_KINDS - 1);
	}
}

static void the_reference_model_breaks_nothing(void **state)
{
	const struct lockproof_proof proof = explored("posix", 0, 7 + 49 + 343, 2);

	(void)state;
	for (int check = 0; check < LOCKPROOF_CHECKS; check++) {
		assert_int_equal(proof.findings[check].broken, 0);
		assert_true(proof.findings[check].checked > 0);
	}
}

static void linux_2_6_16_locks_in_part_in_a_space_of_one_page(void **state)
{
	const struct lockproof_proof proof = explored("linux-2.6.16", 0, 7 + 49 + 343, 2);

	(void)state;
	assert_true(proof.findings[0].broken > 0);
	assert_int_equal(space_numbered(proof.findings[0].space).pages, 1);
}

static void threads_and_parts_change_nothing_about_what_is_found(void **state)
{
	const unsigned long long past = 7 + 49 + 343;
	const struct lockproof_proof whole = explored("linux-6", 0, past, 1), many = explored("linux-6", 0, past, 5),
				     low = explored("linux-6", 0, 100, 2), high = explored("linux-6", 100, past, 2);

	(void)state;
	assert_memory_equal(whole.findings, many.findings, sizeof(whole.findings));
	assert_int_equal(whole.states, low.states + high.states);
	for (int check = 0; check < LOCKPROOF_CHECKS; check++)
		assert_int_equal(whole.findings[check].broken,
				 low.findings[check].broken + high.findings[check].broken);
}

static void what_cannot_be_explored_is_refused(void **state)
{
	struct lockproof_proof proof = { .past = 7 + 49, .pages = 1, .threads = 1 };

	(void)state;
	assert_int_equal(lockproof_prove("posix", &proof), -1);
	proof.pages = 2;
	assert_int_equal(lockproof_prove("plan9", &proof), -1);
	proof.threads = 0;
	assert_int_equal(lockproof_prove("posix", &proof), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_space_has_a_number),
		cmocka_unit_test(the_reference_model_breaks_nothing),
		cmocka_unit_test(linux_2_6_16_locks_in_part_in_a_space_of_one_page),
		cmocka_unit_test(threads_and_parts_change_nothing_about_what_is_found),
		cmocka_unit_test(what_cannot_be_explored_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
