/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <stddef.h>

#include "modes.h"
#include "observe.h"
#include "restore.h"
#include "state.h"

struct learning {
	struct record *record;
	bool lacks_modes;
};

static void add(struct learning *learning, struct address_range pages, enum mode mode)
{
	if (!runs_append(&learning->record->before, pages, mode))
		learning->record->unseen = true;
	if (mode == LOCKED)
		learning->lacks_modes = true;
}

static void take(void *self, struct address_range pages, enum mode mode)
{
	struct learning *learning = self;

	while (mode == LOCKED && !is_empty(pages)) {
		struct address_range part = pages;

		add(learning, part, modes_of(pages, &part.end));
		pages.start = part.end;
	}
	if (!is_empty(pages))
		add(learning, pages, mode);
}

static bool learn_by(struct learning *learning, enum observer observer)
{
	struct record *record = learning->record;

	runs_drop(&record->before);
	learning->lacks_modes = false;
	record->unseen = false;
	if (!observe_locks(record->pages, observer, take, learning))
		record->unseen = true;
	return !record->unseen;
}

/* What a call that is under way does counts when it has succeeded. */
static void learn_from(struct record *record, const struct record *other)
{
	for (const struct run *run = runs_first(&other->before); run; run = runs_next(run)) {
		struct address_range pages = common(run->pages, record->pages);

		if (!is_empty(pages) && !runs_set(&record->before, pages, (enum mode)run->mode))
			record->unseen = true;
	}
}

bool learn(struct record *record)
{
	struct learning learning = { .record = record };

	if (learn_by(&learning, BY_MSYNC) && learning.lacks_modes)
		learn_by(&learning, BY_SMAPS);
	for (struct record *other = NULL; !record->unseen && (other = record_beside(record, other));)
		learn_from(record, other);
	return !record->unseen;
}
