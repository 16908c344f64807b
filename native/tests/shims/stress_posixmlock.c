/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Eight threads lock and unlock ranges of their own, and ranges of one arena
 * that all of them share, through the wrapper, while some of its inner calls
 * fail, a signal handler locks as well, and children are forked. Of its own
 * range each thread knows what must be locked after every call; the shared one
 * has to be free of locks when all is unlocked at the end.
 *
 *     stress_posixmlock [CALLS]
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inner_calls.h"

enum { THREADS = 8, PAGES = 16, SHARED_PAGES = 64, EVERY = 61, TICK = 2000, FORKS = 50 };

static struct inner_calls kernel;
static _Atomic unsigned long inner_calls, failures, wrong, stuck;
static char *shared;
static char *of_handler, *of_child;

/* Every so manieth inner call fails, half of them after they were made. */
static int maybe(int (*call)(const void *, size_t), const void *address, size_t length)
{
	unsigned long number = atomic_fetch_add(&inner_calls, 1);

	if (number % EVERY)
		return call(address, length);
	if (number % 2)
		call(address, length);
	errno = number % 3 ? ENOMEM : EAGAIN;
	return -1;
}

static int failing_mlock(const void *address, size_t length)
{
	return maybe(kernel.mlock, address, length);
}

static int failing_munlock(const void *address, size_t length)
{
	return maybe(kernel.munlock, address, length);
}

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static char *map(size_t pages)
{
	char *memory = mmap(NULL, (pages + 2) * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + page(), pages * page(), PROT_READ | PROT_WRITE) < 0)
		err(1, "mmap");
	memset(memory + page(), 1, pages * page());
	return memory + page();
}

static void tick(int number)
{
	int error = errno;

	(void)number;
	mlock(of_handler, page());
	munlock(of_handler, page());
	errno = error;
}

struct thread {
	pthread_t id;
	unsigned seed;
	unsigned long calls;
	char *own;
	char locked[PAGES];
};

static void check(const struct thread *thread, const char *what)
{
	for (int i = 0; i < PAGES; i++) {
		bool locked =
			syscall(SYS_msync, thread->own + (size_t)i * page(), page(), MS_ASYNC | MS_INVALIDATE) < 0;

		if (locked == thread->locked[i])
			continue;
		if (atomic_fetch_add(&wrong, 1) < 10)
			fprintf(stderr, "page %d of %p is %slocked after %s\n", i, (void *)thread->own,
				locked ? "" : "not ", what);
	}
}

static void call_on(struct thread *thread, char *memory, size_t pages, bool own)
{
	size_t first = (size_t)rand_r(&thread->seed) % pages;
	size_t count = 1 + (size_t)rand_r(&thread->seed) % (pages - first);
	bool lock = rand_r(&thread->seed) % 2;
	int result = (lock ? mlock : munlock)(memory + first * page(), count * page());

	if (result < 0)
		atomic_fetch_add(&failures, 1);
	if (!own)
		return;
	if (result == 0)
		memset(thread->locked + first, lock, count);
	check(thread, result == 0 ? "a call that worked" : "a call that failed");
}

static void *work(void *argument)
{
	struct thread *thread = argument;

	for (unsigned long i = 0; i < thread->calls; i++) {
		if (i % 4)
			call_on(thread, shared, SHARED_PAGES, false);
		else
			call_on(thread, thread->own, PAGES, true);
	}
	return NULL;
}

/* In a child no other thread is left that could still be inside; a child that waits for one is ended. */
static void fork_and_lock(void)
{
	pid_t child = fork();
	int status = 1;

	if (child == 0) {
		inner = kernel;
		signal(SIGALRM, SIG_DFL);
		alarm(10);
		syscall(SYS_exit_group, mlock(of_child, page()) || munlock(of_child, page()));
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		atomic_fetch_add(&stuck, 1);
}

static long locked_kib(void)
{
	char line[256];
	long kib = -1;
	FILE *status = fopen("/proc/self/status", "r");

	while (status && fgets(line, sizeof(line), status)) {
		if (strncmp(line, "VmLck:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	}
	if (status)
		fclose(status);
	return kib;
}

int main(int count, char **arguments)
{
	static struct thread threads[THREADS];
	unsigned long calls = count > 1 ? strtoul(arguments[1], NULL, 10) : 40000;
	struct itimerval interval = { { 0, TICK }, { 0, TICK } };
	struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };

	kernel = inner;
	inner.mlock = failing_mlock;
	inner.munlock = failing_munlock;
	shared = map(SHARED_PAGES);
	of_handler = map(1);
	of_child = map(1);
	for (int i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ .seed = (unsigned)i + 1, .calls = calls / THREADS, .own = map(PAGES) };
		if (pthread_create(&threads[i].id, NULL, work, &threads[i]))
			errx(1, "pthread_create");
	}
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &interval, NULL);
	for (int i = 0; i < FORKS; i++)
		fork_and_lock();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	inner = kernel;
	for (int i = 0; i < THREADS; i++)
		munlock(threads[i].own, PAGES * page());
	munlock(shared, SHARED_PAGES * page());
	munlock(of_handler, page());
	printf("%lu calls, %lu inner calls of mlock and munlock, %lu calls failed, %lu pages were wrong, %lu of %d "
	       "children failed, VmLck %ld "
	       "kB\n",
	       calls / THREADS * THREADS, inner_calls, failures, wrong, stuck, (int)FORKS, locked_kib());
	return wrong || stuck || locked_kib() ? 1 : 0;
}
