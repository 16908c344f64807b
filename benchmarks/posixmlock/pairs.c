/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mlock and munlock of a range, as raw system calls and by the functions that
 * the loader gives, in turn. Memory is resident all the time, as after the
 * first lock of a program.
 *
 *     pairs PAGES LOCKED ROUNDS
 *
 * LOCKED: what of the range is locked before each pair: every LOCKEDth page,
 * 0 none, -1 the first half.
 * Prints microseconds for a raw pair and for the other: the median of all.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int raw_mlock(const void *address, size_t length)
{
	return (int)syscall(SYS_mlock, address, length);
}

static int raw_munlock(const void *address, size_t length)
{
	return (int)syscall(SYS_munlock, address, length);
}

struct calls {
	int (*mlock)(const void *address, size_t length);
	int (*munlock)(const void *address, size_t length);
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void lock_some(char *memory, size_t pages, long locked)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (locked < 0 && raw_mlock(memory, (pages + 1) / 2 * page) < 0)
		err(1, "mlock");
	for (size_t i = 0; locked > 0 && i < pages; i += (size_t)locked) {
		if (raw_mlock(memory + i * page, page) < 0)
			err(1, "mlock");
	}
}

static double pair(const struct calls *calls, char *memory, size_t pages, long locked)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	double began;

	lock_some(memory, pages, locked);
	began = now();
	if (calls->mlock(memory, pages * page) < 0 || calls->munlock(memory, pages * page) < 0)
		err(1, "a pair");
	return now() - began;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

int main(int count, char **arguments)
{
	static const struct calls both[] = { { raw_mlock, raw_munlock }, { mlock, munlock } };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages, rounds;
	double *times[2];
	char *memory;
	long locked;

	if (count != 4)
		errx(2, "usage: pairs PAGES LOCKED ROUNDS");
	pages = strtoul(arguments[1], NULL, 10);
	locked = strtol(arguments[2], NULL, 10);
	rounds = strtoul(arguments[3], NULL, 10);
	memory = mmap(NULL, (pages + 2) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	memset(memory, 1, (pages + 2) * page);
	for (int i = 0; i < 2; i++) {
		times[i] = calloc(rounds, sizeof(double));
		if (!times[i])
			err(1, "calloc");
	}
	for (size_t round = 0; round < rounds; round++) {
		for (int i = 0; i < 2; i++)
			times[i][round] = pair(&both[i], memory + page, pages, locked);
	}
	for (int i = 0; i < 2; i++)
		qsort(times[i], rounds, sizeof(double), compare);
	printf("%f %f\n", times[0][rounds / 2], times[1][rounds / 2]);
	return 0;
}
