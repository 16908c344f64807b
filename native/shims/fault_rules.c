/* SPDX-License-Identifier: Apache-2.0 */

/* The language of LOCKPROOF_FAULT: docs/inject.md. */
#include "fault_rules.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "program/errnames.h"

enum { LARGEST_ERRNO = 133 };

static const char *const calls[CALL_COUNT] = {
	[MLOCK] = "mlock",	     [MLOCK2] = "mlock2", [MUNLOCK] = "munlock", [MLOCKALL] = "mlockall",
	[MUNLOCKALL] = "munlockall", [MSYNC] = "msync",	  [MMAP] = "mmap",	 [ANY] = "any",
};

static const char *const manners[] = {
	[AS_IT_IS] = "", [FAIL] = "fail", [LATE] = "late", [PART] = "part", [LIE] = "lie",
};

const char *call_name(enum call call)
{
	return calls[call];
}

const char *manner_name(enum manner manner)
{
	return manners[manner];
}

/* A part of the text. */
struct word {
	const char *at;
	size_t length;
};

/* What stands before one of the delimiters; goes on behind it, or to the end. */
static struct word cut(struct word *rest, char delimiter)
{
	const char *found = memchr(rest->at, delimiter, rest->length);
	struct word word = { rest->at, found ? (size_t)(found - rest->at) : rest->length };
	size_t taken = word.length + (found ? 1 : 0);

	rest->at += taken;
	rest->length -= taken;
	return word;
}

static bool is(struct word word, const char *text)
{
	return strlen(text) == word.length && memcmp(word.at, text, word.length) == 0;
}

static bool complain(struct text *wrong, struct word word, const char *why)
{
	text_format(wrong, "\"%.*s\": %s", (int)word.length, word.at, why);
	return false;
}

static bool read_call(struct word word, struct rule *rule, struct text *wrong)
{
	for (int call = 0; call < CALL_COUNT; call++) {
		if (is(word, calls[call])) {
			rule->call = (enum call)call;
			return true;
		}
	}
	return complain(wrong, word,
			"no such call; write mlock, mlock2, munlock, mlockall, munlockall, msync, mmap or any");
}

/* N: the nth; N..: from there on; nothing: all. */
static bool read_when(struct word word, struct rule *rule, struct text *wrong)
{
	size_t digits = 0;

	rule->first = 0;
	for (; digits < word.length && digits < 9 && word.at[digits] >= '0' && word.at[digits] <= '9'; digits++)
		rule->first = rule->first * 10 + (unsigned long)(word.at[digits] - '0');
	rule->last = rule->first;
	if (word.length == digits + 2 && memcmp(word.at + digits, "..", 2) == 0)
		rule->last = ULONG_MAX;
	else if (word.length != digits)
		rule->first = 0;
	return rule->first > 0 ||
	       complain(wrong, word, "no number of a call; write 3 for the third, 3.. from there on");
}

static bool read_manner(struct word word, struct rule *rule, struct text *wrong)
{
	for (int manner = FAIL; manner <= LIE; manner++) {
		if (is(word, manners[manner])) {
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

		if (name != unknown && is(word, name))
			return true;
	}
	return complain(wrong, word, "no name of an errno; write one such as ENOMEM");
}

/* CALL[@WHEN]=MANNER[:ERRNO] */
static bool read_rule(struct word text, struct rule *rule, struct text *wrong)
{
	bool has_manner = memchr(text.at, '=', text.length) != NULL;
	struct word rest = text, call = cut(&rest, '='), manner = cut(&rest, ':');
	bool limited = memchr(call.at, '@', call.length) != NULL, has_error = manner.at + manner.length < rest.at;
	struct word name = cut(&call, '@');

	*rule = (struct rule){ .first = 1, .last = ULONG_MAX, .error = ENOMEM };
	if (!has_manner)
		return complain(wrong, text, "no rule; write CALL[@WHEN]=MANNER[:ERRNO], such as mlock@2=fail:EAGAIN");
	if (!read_call(name, rule, wrong) || (limited && !read_when(call, rule, wrong)) ||
	    !read_manner(manner, rule, wrong))
		return false;
	if (has_error && rule->manner == LIE)
		return complain(wrong, text, "a lie reports success, and has no errno");
	return !has_error || read_error(rest, rule, wrong);
}

bool rules_read(const char *text, struct rules *rules, struct text *wrong)
{
	struct word rest = { text, strlen(text) };

	rules->count = 0;
	while (rest.length) {
		struct word rule = cut(&rest, ',');

		if (rules->count == MOST_RULES)
			return complain(wrong, rule, "too many rules; 16 are the most");
		if (!read_rule(rule, &rules->at[rules->count], wrong))
			return false;
		rules->count++;
	}
	return true;
}

const struct rule *rules_find(const struct rules *rules, enum call call, unsigned long nth, unsigned long of_all)
{
	for (int i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->at[i];
		unsigned long number = rule->call == ANY ? of_all : nth;

		if ((rule->call == call || rule->call == ANY) && number >= rule->first && number <= rule->last)
			return rule;
	}
	return NULL;
}
