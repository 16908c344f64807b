/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Four threads lock and unlock parts of their own of one arena, while all of
 * them also make calls that fail over the parts of the others: locks that end
 * at a page that cannot be brought in, and calls that are let fail after they
 * were made. After each round every page is as the last call left it that
 * succeeded on it, in the mode of that call.
 *
 *     race_posixmlock [ROUNDS]
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inner_calls.h"
#include "posixmlock/lock_call.h"
#include "posixmlock/observe.h"

enum { THREADS = 4, PART = 8, PAGES = THREADS * PART, CALLS_OF_A_ROUND = 40 };

static struct inner_calls kernel;
static char *arena;
static pthread_barrier_t barrier;
static char expected[PAGES + 1], seen[PAGES + 1];
static unsigned long rounds = 200;
static bool on_fault; /* locks on fault are asked for, too */
static _Atomic unsigned long succeeded, failed, wrong;
static __thread bool fails_afterwards;

static int after(int result)
{
	if (!fails_afterwards)
		return result;
	fails_afterwards = false;
	errno = EAGAIN;
	return -1;
}

static int late_mlock(const void *address, size_t length)
{
	return after(kernel.mlock(address, length));
}

static int late_mlock2(const void *address, size_t length, unsigned flags)
{
	return after(kernel.mlock2(address, length, flags));
}

static int late_munlock(const void *address, size_t length)
{
	return after(kernel.munlock(address, length));
}

static unsigned below(unsigned *seed, unsigned limit)
{
	return (unsigned)rand_r(seed) % limit;
}

static char make(unsigned *seed, unsigned first, unsigned count)
{
	char *start = arena + first * page_size();
	size_t length = count * page_size();
	char letters[] = ".LF";
	char letter = letters[below(seed, on_fault ? 3 : 2)];
	int result = letter == '.' ? munlock(start, length) :
		     letter == 'L' ? mlock(start, length) :
				     mlock2(start, length, MLOCK_ONFAULT);

	atomic_fetch_add(result < 0 ? &failed : &succeeded, 1);
	return result < 0 ? '\0' : letter;
}

static void call_that_works(unsigned *seed, unsigned part)
{
	unsigned first = below(seed, PART), count = 1 + below(seed, PART - first);
	char letter = make(seed, part * PART + first, count);

	if (letter)
		memset(expected + part * PART + first, letter, count);
	else
		atomic_fetch_add(&wrong, 1);
}

static void call_that_fails(unsigned *seed)
{
	unsigned first = below(seed, PAGES);

	if (below(seed, 2)) {
		if (mlock(arena + first * page_size(), (PAGES + 1 - first) * page_size()) == 0)
			atomic_fetch_add(&wrong, 1);
		return;
	}
	fails_afterwards = true;
	if (make(seed, first, 1 + below(seed, PAGES - first)))
		atomic_fetch_add(&wrong, 1);
}

static void draw(void *unused, struct address_range pages, enum mode mode)
{
	(void)unused;
	for (uintptr_t page = pages.start; page < pages.end; page += page_size())
		seen[(page - (uintptr_t)arena) / page_size()] = ".LF?"[mode];
}

static void check(unsigned long round)
{
	struct address_range range = { (uintptr_t)arena, (uintptr_t)arena + PAGES * page_size() };

	if (!observe_locks(range, BY_SMAPS, draw, NULL))
		errx(1, "smaps cannot be read");
	if (memcmp(seen, expected, PAGES) == 0)
		return;
	fprintf(stderr, "round %lu\n  expected %s\n  seen     %s\n", round, expected, seen);
	atomic_fetch_add(&wrong, 1);
	memcpy(expected, seen, PAGES);
}

static void *work(void *argument)
{
	unsigned part = (unsigned)(uintptr_t)argument, seed = part + 1;

	for (unsigned long round = 0; round < rounds; round++) {
		for (int i = 0; i < CALLS_OF_A_ROUND; i++) {
			if (below(&seed, 3))
				call_that_works(&seed, part);
			else
				call_that_fails(&seed);
		}
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
			check(round);
			on_fault = round >= rounds / 2;
		}
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	pthread_t threads[THREADS];

	if (count > 1)
		rounds = strtoul(arguments[1], NULL, 10);
	kernel = inner;
	inner.mlock = late_mlock;
	inner.mlock2 = late_mlock2;
	inner.munlock = late_munlock;
	arena = mmap(NULL, (PAGES + 1) * page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED || mprotect(arena + PAGES * page_size(), page_size(), PROT_NONE) < 0)
		err(1, "mmap");
	memset(arena, 1, PAGES * page_size());
	memset(expected, '.', PAGES);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, work, (void *)i))
			errx(1, "pthread_create");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%lu rounds, %lu calls succeeded, %lu failed, %lu times something was wrong\n", rounds, succeeded,
	       failed, wrong);
	return wrong ? 1 : 0;
}
