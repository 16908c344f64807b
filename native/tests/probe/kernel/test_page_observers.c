/* SPDX-License-Identifier: Apache-2.0 */

/* msync and mincore of the running kernel, about memory of this process. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/page_observers.h"

enum { PAGES = 12 };

static size_t page_size;
static unsigned long arena;
static struct snapshot snapshot;
static char room[STRIP_COUNT * PAGES];

static void *page(size_t number)
{
	return (void *)(arena + number * page_size);
}

/* Three mappings that differ in what they may, a hole, a mapping, a hole, and another one. */
static const char mappings[] = "|--|-|__||_|";
static const char locked[] = "....L.__L._.";
static const char resident[] = "R.R.R.__R._.";

static int start(void **state)
{
	static const int protections[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_READ | PROT_WRITE };
	int turn = 0;

	(void)state;
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	arena = (unsigned long)mmap(NULL, PAGES * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t number = 0; number < PAGES; number++) {
		turn += mappings[number] == '|';
		mprotect(page(number), page_size, protections[turn % 3]);
		if (resident[number] == 'R')
			(void)*(volatile char *)page(number);
		if (mappings[number] == '_')
			munmap(page(number), page_size);
	}
	for (size_t number = 0; number < PAGES; number++) {
		/* By a system call: the mlock of a sanitizer does nothing. */
		if (locked[number] == 'L' && syscall(SYS_mlock, page(number), page_size) < 0)
			return -1;
	}
	return 0;
}

static int finish(void **state)
{
	(void)state;
	return munmap((void *)arena, PAGES * page_size);
}

static void know(const char *known)
{
	snapshot_start(&snapshot, PAGES, room);
	snapshot.has_mappings = known != NULL;
	if (known)
		memcpy(snapshot.mappings, known, PAGES);
}

static void assert_told(void)
{
	assert_true(page_observer_msync(page_size, arena, &snapshot));
	assert_memory_equal(snapshot.msync, locked, PAGES);
	assert_true(page_observer_mincore(page_size, arena, &snapshot));
	assert_memory_equal(snapshot.resident, resident, PAGES);
}

static void page_by_page_and_mapping_by_mapping_they_tell_the_same(void **state)
{
	(void)state;
	know(NULL);
	assert_told();
	know(mappings);
	assert_told();
}

/* What mapping boundaries are said to be makes no difference to what the other observers say. */
static void they_do_not_believe_that_the_pages_of_a_mapping_are_alike(void **state)
{
	(void)state;
	know("|-----__|-_|");
	assert_told();
	know("|-----------");
	assert_told();
}

static void holes_are_not_asked_about(void **state)
{
	(void)state;
	know("____________");
	assert_true(page_observer_msync(page_size, arena, &snapshot));
	assert_memory_equal(snapshot.msync, "____________", PAGES);
}

/* An address between two pages is one that no system call takes. */
static void what_gives_another_error_is_not_seen(void **state)
{
	(void)state;
	know(NULL);
	assert_false(page_observer_msync(page_size, arena + 1, &snapshot));
	assert_false(page_observer_mincore(page_size, arena + 1, &snapshot));
	know("|-----------");
	assert_false(page_observer_msync(page_size, arena + 1, &snapshot));
	know("|--||-|-----");
	assert_false(page_observer_mincore(page_size, arena + 1, &snapshot));
}

/* A call for each of very many pages would take too long. */
static void locks_in_a_mapping_of_very_many_pages_are_not_asked_about(void **state)
{
	enum { MANY = 16385 };
	static char strips[STRIP_COUNT * MANY];
	void *memory = mmap(NULL, MANY * page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long address = (unsigned long)memory;

	(void)state;
	snapshot_start(&snapshot, MANY, strips);
	snapshot.has_mappings = true;
	memset(snapshot.mappings, '-', MANY);
	snapshot.mappings[0] = '|';
	assert_true(page_observer_msync(page_size, address, &snapshot));
	assert_ptr_equal(memchr(snapshot.msync, 'L', MANY), NULL);
	assert_int_equal(syscall(SYS_mlock, memory, page_size), 0);
	assert_false(page_observer_msync(page_size, address, &snapshot));
	assert_true(page_observer_mincore(page_size, address, &snapshot));
	snapshot.pages--;
	assert_true(page_observer_msync(page_size, address, &snapshot));
	assert_int_equal(snapshot.msync[0], 'L');
	assert_int_equal(snapshot.msync[1], '.');
	munmap(memory, MANY * page_size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
		TEST(page_by_page_and_mapping_by_mapping_they_tell_the_same),
		TEST(they_do_not_believe_that_the_pages_of_a_mapping_are_alike),
		TEST(holes_are_not_asked_about),
		TEST(what_gives_another_error_is_not_seen),
		TEST(locks_in_a_mapping_of_very_many_pages_are_not_asked_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
