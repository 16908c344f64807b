/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Another init of benchmarks/kernel, for several processors: mlock() of memory
 * whose pages another thread serves, and of memory that another thread drops,
 * locks, unlocks and protects meanwhile. A line for each, `name: what was seen`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

enum { SERVED_PAGES = 8, SECONDS = 20 };

struct served {
	int descriptor;
	atomic_int pages;
};

/* Serves pages, and changes mappings before each: that takes mmap_lock. */
static void *serve(void *argument)
{
	struct served *served = argument;
	static char content[PAGE] __attribute__((aligned(PAGE)));

	while (served->pages < SERVED_PAGES) {
		struct uffdio_copy copy = { .src = (uintptr_t)content, .len = PAGE };
		struct uffd_msg message;

		if (read(served->descriptor, &message, sizeof(message)) != sizeof(message))
			err(1, "userfaultfd");
		munmap(map(PAGE, PROT_READ), PAGE);
		copy.dst = message.arg.pagefault.address & ~(uint64_t)(PAGE - 1);
		/* The same page may have been asked for twice. */
		if (!ioctl(served->descriptor, UFFDIO_COPY, &copy))
			served->pages++;
		else if (errno != EEXIST)
			err(1, "UFFDIO_COPY");
	}
	return NULL;
}

static void lock_what_is_served(int descriptor)
{
	struct served served = { .descriptor = descriptor };
	char *area = map(SERVED_PAGES * PAGE, PROT_READ | PROT_WRITE);
	struct uffdio_register region = { .range = { (uintptr_t)area, SERVED_PAGES * PAGE },
					  .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t server;
	int result;

	if (ioctl(descriptor, UFFDIO_API, &api) || ioctl(descriptor, UFFDIO_REGISTER, &region))
		err(1, "userfaultfd");
	if (pthread_create(&server, NULL, serve, &served))
		errx(1, "pthread_create");
	alarm(SECONDS);
	result = mlock(area, SERVED_PAGES * PAGE);
	printf("mlock of pages of a userfaultfd, whose handler takes mmap_lock: %s, %d of %d pages served, %ld KiB "
	       "locked\n",
	       result ? strerrorname_np(errno) : "0", served.pages, SERVED_PAGES,
	       smaps(area, SERVED_PAGES * PAGE, "Locked"));
	fflush(stdout);
}

/* In a child, which a signal ends where caller and handler wait for each other. */
static void user_faults(void)
{
	int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC), status;
	pid_t child;

	if (descriptor < 0) {
		printf("userfaultfd: not there\n");
		return;
	}
	close(descriptor);
	child = fork();
	if (child == 0) {
		lock_what_is_served((int)syscall(SYS_userfaultfd, O_CLOEXEC));
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("mlock of pages of a userfaultfd: not back after %d seconds, ended by signal %d\n", SECONDS,
		       WTERMSIG(status));
	else if (WEXITSTATUS(status))
		errx(1, "userfaultfd: the child failed");
}

enum { SHARED_PAGES = 64, ROUNDS = 2000 };

static atomic_bool stop;
static atomic_uint disturbances;

/* Drops, locks, unlocks and protects parts of what the other thread locks. */
static void *disturb(void *argument)
{
	char *area = argument;
	unsigned int seed = 1;

	while (!stop) {
		size_t from = (size_t)rand_r(&seed) % SHARED_PAGES;
		size_t length = (1 + (size_t)rand_r(&seed) % (SHARED_PAGES - from)) * PAGE;
		char *start = area + from * PAGE;

		switch (rand_r(&seed) % 5) {
		case 0:
			madvise(start, length, MADV_DONTNEED);
			break;
		case 1:
			mlock(start, length);
			break;
		case 2:
			munlock(start, length);
			break;
		case 3:
			mlock2(start, length, MLOCK_ONFAULT);
			break;
		default:
			mprotect(start, length, PROT_READ);
			mprotect(start, length, PROT_READ | PROT_WRITE);
		}
		disturbances++;
	}
	return NULL;
}

/* A number of a file in /proc, behind such a word; -1: it is not there. */
static long number_in(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long value = -1;

	while (file && fgets(line, sizeof(line), file)) {
		const char *found = strstr(line, word);

		if (found && sscanf(found + strlen(word), "%ld", &value) == 1)
			break;
	}
	if (file)
		fclose(file);
	return value;
}

/* More that differs than mlock logs without asking for memory. */
static void unlock_every_other(char *area)
{
	for (size_t page = 0; page < SHARED_PAGES; page += 2)
		munlock(area + page * PAGE, PAGE);
}

static void two_threads(void)
{
	char *area = map(SHARED_PAGES * PAGE, PROT_READ | PROT_WRITE);
	unsigned int failed = 0, others = 0;
	pthread_t other;

	if (pthread_create(&other, NULL, disturb, area))
		errx(1, "pthread_create");
	/* Both have to have done enough, whichever is slower here. */
	for (unsigned int round = 0; round < ROUNDS || disturbances < ROUNDS; round++) {
		size_t from = (size_t)round % SHARED_PAGES;

		if (round % 50 == 10)
			unlock_every_other(area);
		if (mlock(area + from * PAGE, (SHARED_PAGES - from) * PAGE)) {
			failed++;
			others += errno != EAGAIN && errno != ENOMEM;
		}
		if (round % 3 == 0)
			munlock(area, SHARED_PAGES * PAGE);
		if (round % 50 == 0)
			mlockall(MCL_CURRENT);
		if (round % 50 == 25)
			munlockall();
	}
	stop = true;
	pthread_join(other, NULL);
	printf("two threads, %ld processors: %u calls failed, %u of them not with EAGAIN or ENOMEM\n",
	       sysconf(_SC_NPROCESSORS_ONLN), failed, others);
	if (munlockall())
		err(1, "munlockall");
	printf("  all unlocked: %ld KiB counted as locked\n", number_in("/proc/self/status", "VmLck:"));
	if (mlock(area, SHARED_PAGES * PAGE))
		err(1, "mlock");
	printf("  all locked: %ld KiB of %d locked, %ld resident, %ld counted as locked\n",
	       smaps(area, SHARED_PAGES * PAGE, "Locked"), SHARED_PAGES * PAGE / 1024,
	       smaps(area, SHARED_PAGES * PAGE, "Rss"), number_in("/proc/self/status", "VmLck:"));
}

/* What the kernel has found wrong with itself. */
static void complaints(void)
{
	long watches = number_in("/proc/lockdep_stats", "debug_locks:");

	printf("kernel: tainted %ld, lockdep %s\n", number_in("/proc/sys/kernel/tainted", ""),
	       watches < 0 ? "not built in" :
	       watches	   ? "silent" :
			     "has complained");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	mount("proc", "/proc", "proc", 0, NULL);
	user_faults();
	two_threads();
	complaints();
	printf("done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
