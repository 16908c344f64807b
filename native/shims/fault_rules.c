/* SPDX-License-Identifier: Apache-2.0 */

/* The language of LOCKPROOF_FAULT: docs/inject.md. */
#include "fault_rules.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "program/errnames.h"
#include "program/words.h"

enum { LARGEST_ERRNO = 133 };

static const char *const calls[CALL_COUNT] = {
	[MLOCK] = "mlock",	     [MLOCK2] = "mlock2", [MUNLOCK] = "munlock", [MLOCKALL] = "mlockall",
	[MUNLOCKALL] = "munlockall", [MSYNC] = "msync",	  [MMAP] = "mmap",	 [ANY] = "any",
};

static const char *const manners[] = {
	[AS_IT_IS] = "", [FAIL] = "fail", [LATE] = "late", [PART] = "part", [LIE] = "lie",
};

const char *call_name(enum lock_function call)
{
	return calls[call];
}

const char *manner_name(enum manner manner)
{
	return manners[manner];
}

static bool complain(struct text *wrong, struct word word, const char *why)
{
	text_format(wrong, "\"%.*s\": %s", (int)word.length, word.text, why);
	return false;
}

static bool read_call(struct word word, struct rule *rule, struct text *wrong)
{
	for (int call = 0; call < CALL_COUNT; call++) {
		if (word_is(word, calls[call])) {
			rule->call = (enum lock_function)call;
			return true;
		}
	}
	return complain(wrong, word,
			"no such call; write mlock, mlock2, munlock, mlockall, munlockall, msync, mmap or any");
}

/* N: the nth; N..: from there on; nothing: all. */
static bool read_when(struct word word, struct rule *rule, struct text *wrong)
{
	struct word number = word, rest = { ".", 1 };
	bool goes_on = word_cut(&number, '.', &rest);

	if (!word_number(number, &rule->first) || !rule->first || !word_is(rest, "."))
		return complain(wrong, word, "no number of a call; write 3 for the third, 3.. from there on");
	rule->last = goes_on ? ULONG_MAX : rule->first;
	return true;
}

static bool read_manner(struct word word, struct rule *rule, struct text *wrong)
{
	for (int manner = FAIL; manner <= LIE; manner++) {
		if (word_is(word, manners[manner])) {
			rule->manner = (enum manner)manner;
			return true;
		}
	}
	return complain(wrong, word, "no manner; write fail, late, part or lie");
}

static bool read_error(struct word word, struct rule *rule, struct text *wrong)
{
	char unknown[NAME_ROOM];

	for (rule->error = 1; rule->error <= LARGEST_ERRNO; rule->error++) {
		const char *name = error_name(rule->error, unknown);

		if (name != unknown && word_is(word, name))
			return true;
	}
	return complain(wrong, word, "no name of an errno; write one such as ENOMEM");
}

/* CALL[@WHEN]=MANNER[:ERRNO] */
static bool read_rule(struct word text, struct rule *rule, struct text *wrong)
{
	struct word call = text, when, manner, error;
	bool has_error, has_when;

	*rule = (struct rule){ .first = 1, .last = ULONG_MAX, .error = ENOMEM };
	if (!word_cut(&call, '=', &manner))
		return complain(wrong, text, "no rule; write CALL[@WHEN]=MANNER[:ERRNO], such as mlock@2=fail:EAGAIN");
	has_error = word_cut(&manner, ':', &error);
	has_when = word_cut(&call, '@', &when);
	if (!read_call(call, rule, wrong) || (has_when && !read_when(when, rule, wrong)) ||
	    !read_manner(manner, rule, wrong))
		return false;
	if (has_error && rule->manner == LIE)
		return complain(wrong, text, "a lie reports success, and has no errno");
	return !has_error || read_error(error, rule, wrong);
}

/* A comma at the end does no harm. */
bool rules_read(const char *text, struct rules *rules, struct text *wrong)
{
	struct word rest = { text, strlen(text) };

	rules->count = 0;
	while (rest.length) {
		struct word rule = rest;

		if (!word_cut(&rule, ',', &rest))
			rest.length = 0;
		if (rules->count == MOST_RULES)
			return complain(wrong, rule, "too many rules; 16 are the most");
		if (!read_rule(rule, &rules->at[rules->count], wrong))
			return false;
		rules->count++;
	}
	return true;
}

const struct rule *rules_find(const struct rules *rules, enum lock_function call, unsigned long nth,
			      unsigned long of_all)
{
	for (int i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->at[i];
		unsigned long number = rule->call == ANY ? of_all : nth;

		if ((rule->call == call || rule->call == ANY) && number >= rule->first && number <= rule->last)
			return rule;
	}
	return NULL;
}
