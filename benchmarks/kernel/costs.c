/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The init of benchmarks/kernel: what calls of the mlock() family cost.
 *
 * Under QEMU's -icount the time stamp counter counts the instructions of the
 * guest. Each row is a pair of calls, of which the second takes the first back.
 * A line for each: its name, and the medians of both, less what reading the
 * counter takes. Before them, a line with that, and one with what the counter
 * sees of a million instructions.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, WARM_UP = 2, MOST_MAPPINGS = 100, MOST_ROUNDS = 51 };

enum place { WHOLE, INSIDE, BESIDE, PLACES };

static const char *const places[] = { "whole", "inside", "beside" };

struct layout {
	bool populated;
	size_t pages; /* of each mapping */
	size_t mappings;
	enum place place;
};

struct pair {
	const char *name;
	long (*lock)(char *start, size_t length);
	long (*unlock)(char *start, size_t length);
	bool everything; /* the place does not matter */
};

static long lock(char *start, size_t length)
{
	return syscall(SYS_mlock, start, length);
}

static long lock_on_fault(char *start, size_t length)
{
	return syscall(SYS_mlock2, start, length, MLOCK_ONFAULT);
}

static long unlock(char *start, size_t length)
{
	return syscall(SYS_munlock, start, length);
}

static long lock_all(char *start, size_t length)
{
	(void)start, (void)length;
	return syscall(SYS_mlockall, MCL_CURRENT);
}

static long unlock_all(char *start, size_t length)
{
	(void)start, (void)length;
	return syscall(SYS_munlockall);
}

static const struct pair pairs[] = {
	{ "mlock", lock, unlock, false },
	{ "mlock2-onfault", lock_on_fault, unlock, false },
	{ "mlockall", lock_all, unlock_all, true },
};

/* Far from all else. */
static char *const area = (char *)(1ul << 40);

static uint64_t counter(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* What two readings have between them. */
static uint64_t reading(void)
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < 100; round++) {
		uint64_t began = counter();
		uint64_t took = counter() - began;

		least = took < least ? took : least;
	}
	return least;
}

/* Two instructions a round. */
static uint64_t million(void)
{
	uint64_t began = counter();
	uint32_t rounds = 500000;

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(rounds));
	return counter() - began;
}

static void touch(char *start, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		*(volatile char *)(start + i * PAGE) = 1;
}

/* Neighbours differ, so that they stay apart. */
static char *map(char *at, size_t pages, bool odd)
{
	int protection = PROT_READ | PROT_WRITE | (odd ? PROT_EXEC : 0);
	char *found = mmap(at, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (found != at)
		err(1, "mmap");
	return found;
}

/* The address of the range to be locked. */
static char *set_up(const struct layout *layout)
{
	size_t before = layout->place == WHOLE ? 0 : 1;
	size_t behind = layout->place == INSIDE ? 1 : 0;
	char *end = area;

	for (size_t i = 0; i < layout->mappings; i++) {
		size_t pages = layout->pages + (i ? 0 : before);

		pages += i == layout->mappings - 1 ? behind : 0;
		map(end, pages, i % 2);
		end += pages * PAGE;
	}
	if (layout->populated)
		touch(area, (size_t)(end - area) / PAGE);
	if (layout->place == BESIDE && lock(area, PAGE))
		err(1, "mlock");
	return area + before * PAGE;
}

static void check(long result, const char *what)
{
	if (result)
		err(1, "%s", what);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static unsigned long median(uint64_t *counts, size_t rounds)
{
	qsort(counts, rounds, sizeof(*counts), compare);
	return counts[rounds / 2];
}

static void measure(const struct pair *pair, const struct layout *layout, uint64_t least)
{
	uint64_t locking[MOST_ROUNDS], unlocking[MOST_ROUNDS];
	size_t pages = layout->pages * layout->mappings;
	size_t rounds = pages <= 100 ? MOST_ROUNDS : pages < 4096 ? 9 : 3;

	for (size_t round = 0; round < rounds + WARM_UP; round++) {
		char *start = set_up(layout);
		uint64_t began = counter();
		long locked = pair->lock(start, pages * PAGE);
		uint64_t between = counter();
		long unlocked = pair->unlock(start, pages * PAGE);
		uint64_t ended = counter();

		check(locked, pair->name);
		check(unlocked, "unlocking");
		/* Those of the warm-up are overwritten. */
		locking[round % rounds] = between - began - least;
		unlocking[round % rounds] = ended - between - least;
		check(munmap(area, (pages + 2) * PAGE), "munmap");
	}
	printf("row %s %s %zu %zu %s %lu %lu\n", pair->name, layout->populated ? "populated" : "fresh", pages,
	       layout->mappings, pair->everything ? "whole" : places[layout->place], median(locking, rounds),
	       median(unlocking, rounds));
}

static void measure_layouts(const struct pair *pair, uint64_t least)
{
	/* The last is 4 096 for all of the mappings together. */
	static const size_t alone[] = { 1, 16, 4096 }, each[] = { 1, 16, 41 };
	struct layout layout;

	for (int i = 0; i < 2 * 2 * 3; i++) {
		layout.populated = i / 6;
		layout.mappings = i / 3 % 2 ? MOST_MAPPINGS : 1;
		layout.pages = (layout.mappings == 1 ? alone : each)[i % 3];
		for (layout.place = WHOLE; layout.place < (pair->everything ? INSIDE : PLACES); layout.place++)
			measure(pair, &layout, least);
	}
}

int main(void)
{
	uint64_t least;

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* So that page tables are there, as in a heap that grows. */
	touch(map(area - 2 * PAGE, 1, false), 1);
	least = reading();
	printf("reading %lu\n", (unsigned long)least);
	printf("million %lu\n", (unsigned long)(million() - least));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		measure_layouts(&pairs[i], least);
	printf("done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
