/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"
#include "mutants/mutants.h"

/* What a model says of a program. */
static char *answer(const char *model, const char *lines)
{
	char text[512] = "program p\narena 4\nregion a anonymous rw private\nmap a 0 3 0\nlock 0 1 eager\n";
	char *said;

	strcat(strcat(text, lines), "end\n");
	said = lockproof_model_run(model, text, strlen(text));
	assert_non_null(said);
	return said;
}

static void every_mutant_has_a_name_of_its_own_and_is_found_by_it(void **state)
{
	const struct mutant *mutant;
	size_t number;

	(void)state;
	for (number = 0; (mutant = mutant_numbered(number)) != NULL; number++) {
		assert_ptr_equal(mutant_named(mutant->name), mutant);
		assert_non_null(mutant->calls ? mutant->when : NULL);
		assert_non_null(mutant->act);
		assert_string_equal(lockproof_mutant_name(number), mutant->name);
		assert_string_equal(lockproof_mutant_requirement(number), mutant->requirement);
		assert_string_equal(lockproof_mutant_about(number), mutant->about);
	}
	assert_true(number >= 80);
	assert_null(lockproof_mutant_name(number));
	assert_null(mutant_named("none"));
}

static void a_mutant_does_what_it_says(void **state)
{
	char *said = answer("posix/mlock-keeps-prefix", "call mlock 1p 3p\n");

	(void)state;
	assert_non_null(
		strstr(said, "{\"step\":0,\"result\":\"ENOMEM\",\"snapshot\":{\"locked\":{\"model\":\"LLL_\"}"));
	lockproof_model_free(said);
}

static void the_model_itself_has_no_defect(void **state)
{
	char *said = answer("posix", "call mlock 1p 3p\n");

	(void)state;
	assert_non_null(
		strstr(said, "{\"step\":0,\"result\":\"ENOMEM\",\"snapshot\":{\"locked\":{\"model\":\"L.._\"}"));
	lockproof_model_free(said);
}

static void set_up_has_no_defects(void **state)
{
	char *said = answer("posix/mlock-locks-nothing", "call mlock 1p 1p\n");

	(void)state;
	assert_non_null(strstr(said, "{\"before\":{\"locked\":{\"model\":\"L.._\"}"));
	assert_non_null(strstr(said, "{\"step\":0,\"result\":\"0\",\"snapshot\":{\"locked\":{\"model\":\"L.._\"}"));
	lockproof_model_free(said);
}

static void there_is_no_model_with_an_unknown_defect(void **state)
{
	(void)state;
	assert_null(lockproof_model_hello("posix/none"));
	assert_null(lockproof_model_hello("posix/"));
	assert_null(lockproof_model_run("posixx", "", 0));
}

/* Every mutant lives through calls of every sort. */
static void no_mutant_breaks_the_model(void **state)
{
	static const char lines[] =
		"call mlock 0p+1 2p\ncall mlock2 1p 3p ONFAULT\ncall mlock 1p -1\ncall munlock 1p 3p\n"
		"call mlockall CURRENT,FUTURE\ncall mmap a 2 2 3\ncall munmap 1p 1p\n"
		"call mprotect 0 1p none\ncall msync 0 1p ASYNC,INVALIDATE\ncall madvise 0 1p dontneed\n"
		"call mremap 2 1 1 1\ncall brk 0 1\nfork\ncall mlock 0 4p\ncall exec self\nexit\n"
		"thread\ncall munlockall\nexit\ncall exec missing\ncall munlockall\n";
	static const char threads[] = "threads 2\ncall mlock 0 4p\ncall munlockall\ncall mlock 0 1\nexit\n";
	char model[128];

	(void)state;
	for (size_t number = 0; mutant_numbered(number); number++) {
		char *said;

		strcat(strcpy(model, "posix/"), mutant_numbered(number)->name);
		said = answer(model, lines);
		assert_non_null(strstr(said, "\"end\":\"p\""));
		lockproof_model_free(said);
		said = answer(model, threads);
		assert_non_null(strstr(said, "{\"execution\":5,\"status\":\"done\"}\n{\"end\":\"p\""));
		lockproof_model_free(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mutant_has_a_name_of_its_own_and_is_found_by_it),
		cmocka_unit_test(a_mutant_does_what_it_says),
		cmocka_unit_test(the_model_itself_has_no_defect),
		cmocka_unit_test(set_up_has_no_defects),
		cmocka_unit_test(there_is_no_model_with_an_unknown_defect),
		cmocka_unit_test(no_mutant_breaks_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
