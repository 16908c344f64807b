/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MODEL_FIXTURE_H
#define LOCKPROOF_MODEL_FIXTURE_H

/* What the tests of models share; include it after cmocka.h. */

#include "mm/task.h"

enum { PAGE = 1 << PAGE_SHIFT };

/*
 * Regions by their letters: a anonymous, n PROT_NONE, r read-only, f a file of 3
 * pages, g the same file, s shared, h heap, k stack.
 */
enum { ANONYMOUS = 0, NONE = 1, FILE_OF_3 = 3, REGIONS = 8 };

/* A task of the posix model and what it looked like before the call. */
struct fixture {
	struct system system;
	struct task *task;
	unsigned long arena;
	struct snapshot seen;
	char room[STRIP_COUNT * MAX_PAGES];
	struct mm header;
	void *mappings, *pages;
};

int set_up(void **state);
int tear_down(void **state);

/* A test that is given a fixture. */
#define on_a_task(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Maps runs of letters; object pages count from 0 in each run. */
struct fixture *lay(void **state, const char *map);
/* The same on another model than posix. */
struct fixture *lay_on(void **state, void (*calls)(struct system *system), const char *map);

/* The address of a page of the arena. */
unsigned long at(const struct fixture *f, size_t page);

long lock(struct fixture *f, size_t page, size_t pages);
long lock_on_fault(struct fixture *f, size_t page, size_t pages);
long unlock(struct fixture *f, size_t page, size_t pages);
/* Takes privilege away as well. */
void limit_memlock(struct fixture *f, uint64_t pages);

/* What is seen of the arena, page by page. */
void assert_locked(struct fixture *f, const char *expected);
void assert_resident(struct fixture *f, const char *expected);
void assert_layout(struct fixture *f, const char *expected);
void assert_elsewhere_locked(struct fixture *f, long pages);

/* The whole address space, byte for byte. */
void remember(struct fixture *f);
void assert_unchanged(const struct fixture *f);

#endif
