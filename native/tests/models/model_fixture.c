/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MLOCK_ONFAULT */
#include "model_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "posix/posix.h"

static const struct region regions[] = {
	{ .letter = 'a', .kind = KIND_ANONYMOUS, .protection = PROT_READ | PROT_WRITE, .alias = -1 },
	{ .letter = 'n', .kind = KIND_ANONYMOUS, .protection = PROT_NONE, .alias = -1 },
	{ .letter = 'r', .kind = KIND_ANONYMOUS, .protection = PROT_READ, .alias = -1 },
	{ .letter = 'f', .kind = KIND_FILE, .protection = PROT_READ, .shared = true, .object_pages = 3, .alias = -1 },
	{ .letter = 'g', .kind = KIND_FILE, .protection = PROT_READ, .shared = true, .alias = 3 },
	{ .letter = 's', .kind = KIND_SHARED, .protection = PROT_READ | PROT_WRITE, .shared = true, .alias = -1 },
	{ .letter = 'h', .kind = KIND_HEAP, .protection = PROT_READ | PROT_WRITE, .alias = -1 },
	{ .letter = 'k', .kind = KIND_STACK, .protection = PROT_READ | PROT_WRITE, .alias = -1 },
};

_Static_assert(sizeof(regions) / sizeof(*regions) == REGIONS, "every region has its number");

int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || !task_open(&f->system))
		return -1;
	posix_calls(&f->system);
	f->task = f->system.self;
	*state = f;
	return 0;
}

int tear_down(void **state)
{
	struct fixture *f = *state;

	task_close(&f->system);
	free(f->mappings);
	free(f->pages);
	free(f);
	return 0;
}

unsigned long at(const struct fixture *f, size_t page)
{
	return f->arena + page * PAGE;
}

static int region_of(char letter)
{
	for (int i = 0; i < REGIONS; i++) {
		if (regions[i].letter == letter)
			return i;
	}
	fail_msg("no region is called %c", letter);
	return -1;
}

struct fixture *lay(void **state, const char *map)
{
	struct fixture *f = *state;
	size_t pages = strlen(map), run;

	snapshot_start(&f->seen, pages, f->room);
	for (int i = 0; i < REGIONS; i++)
		assert_int_equal(f->system.declare(f->task, i, &regions[i]), 0);
	assert_int_equal(f->system.reserve(f->task, pages, &f->arena), 0);
	for (size_t page = 0; page < pages; page += run) {
		for (run = 1; map[page + run] == map[page]; run++)
			;
		if (map[page] != '_')
			assert_int_equal(f->system.map(f->task, region_of(map[page]), at(f, page), run, 0, false), 0);
	}
	return f;
}

struct fixture *lay_on(void **state, void (*calls)(struct system *system), const char *map)
{
	calls(&((struct fixture *)*state)->system);
	return lay(state, map);
}

long lock(struct fixture *f, size_t page, size_t pages)
{
	return f->system.mlock(f->task, at(f, page), pages * PAGE);
}

long lock_on_fault(struct fixture *f, size_t page, size_t pages)
{
	return f->system.mlock2(f->task, at(f, page), pages * PAGE, MLOCK_ONFAULT);
}

long unlock(struct fixture *f, size_t page, size_t pages)
{
	return f->system.munlock(f->task, at(f, page), pages * PAGE);
}

void limit_memlock(struct fixture *f, uint64_t pages)
{
	f->system.limit_memlock(f->task, pages * PAGE);
	f->system.become_unprivileged(f->task);
}

static void assert_strip(struct fixture *f, const char *strip, const char *expected)
{
	char text[64] = { 0 };

	f->system.observe(f->task, f->arena, &f->seen);
	memcpy(text, strip, f->seen.pages);
	assert_string_equal(text, expected);
}

void assert_locked(struct fixture *f, const char *expected)
{
	assert_strip(f, f->seen.smaps, expected);
}

void assert_resident(struct fixture *f, const char *expected)
{
	assert_strip(f, f->seen.resident, expected);
}

void assert_layout(struct fixture *f, const char *expected)
{
	assert_strip(f, f->seen.mappings, expected);
}

void assert_elsewhere_locked(struct fixture *f, long pages)
{
	f->system.observe(f->task, f->arena, &f->seen);
	assert_int_equal(f->seen.elsewhere_mapped, OWN_PAGES);
	assert_int_equal(f->seen.elsewhere_locked, pages);
}

static void *copy_of(const void *bytes, size_t size)
{
	void *copy = malloc(size);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	return copy;
}

void remember(struct fixture *f)
{
	const struct mm *mm = f->task->mm;

	free(f->mappings);
	free(f->pages);
	f->header = *mm;
	f->mappings = copy_of(mm->mappings, mm->count * sizeof(*mm->mappings));
	f->pages = copy_of(mm->pages, mm->space * sizeof(*mm->pages));
}

void assert_unchanged(const struct fixture *f)
{
	const struct mm *mm = f->task->mm;

	assert_memory_equal(mm, &f->header, sizeof(*mm));
	assert_memory_equal(mm->mappings, f->mappings, mm->count * sizeof(*mm->mappings));
	assert_memory_equal(mm->pages, f->pages, mm->space * sizeof(*mm->pages));
}
