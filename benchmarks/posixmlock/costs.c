/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls that fail, and calls that succeed near locks on fault, in a process
 * with much resident memory or little.
 *
 *     costs MIB
 *
 * MIB: how much memory is resident. Prints for each row how many microseconds
 * the call takes: the median of as many as are made in half a second, at most
 * 1001. What is locked is set up anew before each, and not counted.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 6, LONG = 4 << 20, ROUNDS = 1001 };

static const size_t BELOW_ALL_ELSE = (size_t)1 << 40; /* smaps is read from below */

static size_t page;
static char *memory, *much;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static char *map_at(void *hint, size_t pages, int protection)
{
	char *found = mmap(hint, pages * page, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (found == MAP_FAILED)
		err(1, "mmap");
	return found;
}

static char *map(size_t pages, int protection)
{
	return map_at(NULL, pages, protection);
}

/* Six pages, of which the fifth is not mapped, or cannot be brought in. */
static void with_a_hole(void)
{
	munmap(memory + 4 * page, page);
}

static void without_permission(void)
{
	mprotect(memory + 4 * page, page, PROT_NONE);
}

static void with_permission(void)
{
}

static void nothing_locked(void)
{
	syscall(SYS_munlock, memory, 4 * page);
}

static void one_page_locked(void)
{
	nothing_locked();
	mlock(memory + page, page);
}

static void one_page_locked_on_fault(void)
{
	nothing_locked();
	mlock2(memory + page, page, MLOCK_ONFAULT);
}

static void much_is_locked(void)
{
	mlock2(much, LONG * page, MLOCK_ONFAULT);
}

static void lock_six_pages(void)
{
	mlock(memory, PAGES * page);
}

static void unlock_six_pages(void)
{
	munlock(memory, PAGES * page);
}

static void make_three_calls(void)
{
	mlock(memory, 2 * page);
	munlock(memory, page);
	mlock2(memory + page, page, MLOCK_ONFAULT);
}

static void lock_what_will_be_mapped(void)
{
	mlockall(MCL_FUTURE);
}

static void lock_everything_on_fault(void)
{
	mlockall(MCL_CURRENT | MCL_ONFAULT);
}

static void unlock_much(void)
{
	munlock(much, LONG * page);
}

static void unlock_everything(void)
{
	munlockall();
}

/* From now on so many files can be open at most. The number that was allowed before. */
static rlim_t limit_files(rlim_t most)
{
	struct rlimit limit;
	rlim_t found;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "getrlimit");
	found = limit.rlim_cur;
	limit.rlim_cur = most;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "setrlimit");
	return found;
}

struct row {
	const char *name;
	void (*map)(void);
	void (*prepare)(void); /* before each call */
	void (*call)(void);
	bool without_files;
};

static const struct row rows[] = {
	{ "mlock over a hole", with_a_hole, nothing_locked, lock_six_pages, false },
	{ "  one page locked", with_a_hole, one_page_locked, lock_six_pages, false },
	{ "  one page locked on fault", with_a_hole, one_page_locked_on_fault, lock_six_pages, false },
	{ "munlock over a hole", with_a_hole, one_page_locked, unlock_six_pages, false },
	{ "mlock, a page without permission", without_permission, nothing_locked, lock_six_pages, false },
	{ "  one page locked, too", without_permission, one_page_locked, lock_six_pages, false },
	{ "  one page locked on fault, too", without_permission, one_page_locked_on_fault, lock_six_pages, false },
	{ "three calls near a lock on fault", with_permission, one_page_locked_on_fault, make_three_calls, false },
	{ "mlockall(MCL_FUTURE)", with_permission, unlock_everything, lock_what_will_be_mapped, false },
	{ "mlockall(MCL_CURRENT | MCL_ONFAULT)", with_permission, unlock_everything, lock_everything_on_fault, false },
	{ "munlock, 16 GiB, no descriptors", with_permission, much_is_locked, unlock_much, true },
};

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double measure(const struct row *row)
{
	static double times[ROUNDS];
	double began = now();
	rlim_t files = 0;
	size_t round = 0;

	memory = map(PAGES + 2, PROT_READ | PROT_WRITE) + page;
	memset(memory, 1, PAGES * page);
	row->map();
	if (row->without_files)
		files = limit_files(0);
	do {
		double before;

		row->prepare();
		before = now();
		row->call();
		times[round++] = now() - before;
	} while (round < ROUNDS && (round < 3 || now() - began < 5e5));
	if (row->without_files)
		limit_files(files);
	syscall(SYS_munlockall);
	munmap(memory - page, (PAGES + 2) * page);
	qsort(times, round, sizeof(times[0]), compare);
	return times[round / 2];
}

int main(int count, char **arguments)
{
	size_t bytes;
	char *resident;

	if (count != 2)
		errx(2, "usage: costs MIB");
	page = (size_t)sysconf(_SC_PAGESIZE);
	bytes = strtoul(arguments[1], NULL, 10) << 20;
	resident = map_at((void *)BELOW_ALL_ELSE, bytes / page + 1, PROT_READ | PROT_WRITE);
	madvise(resident, bytes, MADV_NOHUGEPAGE);
	memset(resident, 1, bytes);
	much = map(LONG, PROT_READ);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%s\t%f\n", rows[i].name, measure(&rows[i]));
	return 0;
}
