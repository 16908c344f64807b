/* SPDX-License-Identifier: Apache-2.0 */

/* Any text is rules within the limits, which mean the same when they are written anew, or is refused with a reason. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fault_rules.h"
#include "program/errnames.h"

enum { ROOM = 512, LARGEST_ERRNO = 4095 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_rule(const struct rule *rule)
{
	require(rule->call <= ANY);
	require(rule->manner >= FAIL && rule->manner <= LIE);
	require(rule->first >= 1 && rule->first <= rule->last);
	require(rule->last == rule->first || rule->last == (unsigned long)-1);
	require(rule->error >= 1 && rule->error <= LARGEST_ERRNO);
}

static void write_rule(struct text *text, const struct rule *rule)
{
	char unknown[NAME_ROOM];

	text_format(text, "%s", call_name(rule->call));
	if (rule->first == rule->last)
		text_format(text, "@%lu", rule->first);
	else
		text_format(text, "@%lu..", rule->first);
	text_format(text, "=%s", manner_name(rule->manner));
	if (rule->manner != LIE)
		text_format(text, ":%s", error_name(rule->error, unknown));
}

static void check_again(const struct rule *rule)
{
	char buffer[ROOM], message[ROOM];
	struct text text = text_in(buffer, sizeof(buffer)), wrong = text_in(message, sizeof(message));
	struct rules again;

	write_rule(&text, rule);
	text_close(&text);
	require(rules_read(buffer, &again, &wrong) && again.count == 1);
	require(again.at[0].call == rule->call && again.at[0].manner == rule->manner);
	require(again.at[0].first == rule->first && again.at[0].last == rule->last);
	require(again.at[0].error == rule->error);
}

static void check_rules(const struct rules *rules)
{
	require(rules->count >= 0 && rules->count <= MOST_RULES);
	for (int i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->at[i];
		enum lock_function call = rule->call == ANY ? MMAP : rule->call;
		const struct rule *found = rules_find(rules, call, rule->first, rule->first);

		check_rule(rule);
		check_again(rule);
		require(found && found <= rule);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char message[ROOM], *copy = malloc(size + 1);
	struct text wrong = text_in(message, sizeof(message));
	struct rules rules;

	require(copy != NULL);
	memcpy(copy, data, size);
	copy[size] = '\0';
	if (rules_read(copy, &rules, &wrong))
		check_rules(&rules);
	else
		require(wrong.used > 0);
	free(copy);
	return 0;
}
