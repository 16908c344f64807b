/* SPDX-License-Identifier: Apache-2.0 */
#include "runs.h"

#include <stddef.h>

#include "state.h"

enum { MOST_FOR_A_CHANGE = 2 }; /* a run that is cut in two, and the one between */

static struct run *run_at(uint16_t number)
{
	return &state.pool.runs[number];
}

static bool is_room_for(unsigned count)
{
	return state.pool.used + count < RUNS;
}

static uint16_t take_run(void)
{
	uint16_t number = state.pool.free;

	state.pool.used++;
	if (!number)
		return ++state.pool.touched;
	state.pool.free = run_at(number)->next;
	return number;
}

static void give_back(uint16_t number)
{
	state.pool.used--;
	run_at(number)->next = state.pool.free;
	state.pool.free = number;
}

const struct run *runs_first(const struct runs *runs)
{
	return runs->first ? run_at(runs->first) : NULL;
}

const struct run *runs_next(const struct run *run)
{
	return run->next ? run_at(run->next) : NULL;
}

/* `before` 0: at the front; `after` 0: nothing follows. */
static void link(struct runs *runs, uint16_t before, uint16_t after)
{
	if (before)
		run_at(before)->next = after;
	else
		runs->first = after;
	if (!after)
		runs->last = before;
}

/* True: what followed is part of it now. */
static bool join_next(struct runs *runs, uint16_t number)
{
	struct run *run = run_at(number);
	uint16_t next = run->next;

	if (!next || run_at(next)->pages.start != run->pages.end || run_at(next)->mode != run->mode)
		return false;
	run->pages.end = run_at(next)->pages.end;
	link(runs, number, run_at(next)->next);
	give_back(next);
	return true;
}

static void insert(struct runs *runs, uint16_t before, uint16_t after, const struct run *run)
{
	uint16_t number = take_run();

	*run_at(number) = *run;
	link(runs, before, number);
	link(runs, number, after);
	join_next(runs, number);
	if (before)
		join_next(runs, before);
}

bool runs_append(struct runs *runs, struct address_range pages, enum mode mode)
{
	if (!is_room_for(1))
		return false;
	insert(runs, runs->last, 0, &(struct run){ .pages = pages, .mode = (uint8_t)mode });
	return true;
}

/* Takes the pages out. Says between which runs they were. */
static void cut(struct runs *runs, struct address_range pages, uint16_t *before, uint16_t *after)
{
	uint16_t number = runs->first;

	*before = 0;
	while (number && run_at(number)->pages.end <= pages.start) {
		*before = number;
		number = run_at(number)->next;
	}
	if (number && run_at(number)->pages.start < pages.start) {
		struct run rest = *run_at(number);
		uint16_t other = take_run();

		rest.pages.start = pages.start;
		*run_at(other) = rest;
		link(runs, other, rest.next);
		run_at(number)->pages.end = pages.start;
		link(runs, number, other);
		*before = number;
		number = other;
	}
	while (number && run_at(number)->pages.end <= pages.end) {
		uint16_t next = run_at(number)->next;

		give_back(number);
		number = next;
	}
	if (number && run_at(number)->pages.start < pages.end)
		run_at(number)->pages.start = pages.end;
	link(runs, *before, number);
	*after = number;
}

bool runs_set(struct runs *runs, struct address_range pages, enum mode mode)
{
	uint16_t before, after;

	if (!is_room_for(MOST_FOR_A_CHANGE))
		return false;
	cut(runs, pages, &before, &after);
	insert(runs, before, after, &(struct run){ .pages = pages, .mode = (uint8_t)mode });
	return true;
}

bool runs_forget(struct runs *runs, struct address_range pages)
{
	uint16_t before, after;

	if (!is_room_for(1))
		return false;
	cut(runs, pages, &before, &after);
	return true;
}

void runs_set_all(struct runs *runs, enum mode mode)
{
	for (uint16_t number = runs->first; number; number = run_at(number)->next) {
		run_at(number)->mode = (uint8_t)mode;
		while (run_at(number)->next) {
			run_at(run_at(number)->next)->mode = (uint8_t)mode;
			if (!join_next(runs, number))
				break;
		}
	}
}

void runs_drop(struct runs *runs)
{
	while (runs->first) {
		uint16_t next = run_at(runs->first)->next;

		give_back(runs->first);
		runs->first = next;
	}
	runs->last = 0;
}
