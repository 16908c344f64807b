/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Another init of benchmarks/kernel: what calls of the mlock() family do where
 * memory is short, huge, served by a userfaultfd, or wanted by another thread,
 * and their errors. A line for each, `name: what was seen`.
 *
 * Counts are instructions, as in costs.c.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, HUGE = 2 << 20, MIB = 1 << 20, UNPRIVILEGED = 1000 };

static uint64_t counter(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static char *map(size_t bytes, int protection)
{
	char *found = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (found == MAP_FAILED)
		err(1, "mmap");
	return found;
}

static bool write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	bool done = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);

	if (file >= 0)
		close(file);
	return done;
}

/* The sum of a field of smaps over a range, in KiB. */
static long smaps(const char *start, size_t bytes, const char *field)
{
	unsigned long first = 0, last, sum = 0, value;
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[512], name[64];
	bool within = false;

	if (!file)
		err(1, "smaps");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			within = first < (uintptr_t)start + bytes && last > (uintptr_t)start;
		else if (within && sscanf(line, "%63[^:]: %lu", name, &value) == 2 && !strcmp(name, field))
			sum += value;
	}
	fclose(file);
	return (long)sum;
}

/* One page of a mapping that may be huge: nothing more comes with it. */
static void huge_pages(void)
{
	char *area, *page;

	if (!write_text("/sys/kernel/mm/transparent_hugepage/enabled", "always")) {
		printf("huge pages: not there\n");
		return;
	}
	area = map(4 * HUGE, PROT_READ | PROT_WRITE);
	page = (char *)(((uintptr_t)area + HUGE - 1) & ~(uintptr_t)(HUGE - 1)) + 5 * PAGE;
	if (mlock(page, PAGE))
		err(1, "mlock");
	printf("huge pages always, mlock of a page: %ld KiB resident, %ld KiB of them huge, %ld KiB locked\n",
	       smaps(area, 4 * HUGE, "Rss"), smaps(area, 4 * HUGE, "AnonHugePages"), smaps(area, 4 * HUGE, "Locked"));
	write_text("/sys/kernel/mm/transparent_hugepage/enabled", "never");
	munmap(area, 4 * HUGE);
}

/* What became of a child that locks so much; @after: microseconds until it is killed, or 0. */
static void lock_in_child(const char *name, size_t bytes, const char *cgroup, unsigned int after)
{
	uint64_t began = counter(), ended;
	pid_t child = fork();
	int status;

	if (child == 0) {
		write_text("/proc/self/oom_score_adj", "1000");
		if (cgroup && !write_text(cgroup, "0"))
			_exit(200);
		_exit(mlock(map(bytes, PROT_READ | PROT_WRITE), bytes) ? errno : 0);
	}
	if (after) {
		usleep(after);
		began = counter();
		kill(child, SIGKILL);
	}
	waitpid(child, &status, 0);
	ended = counter();
	printf("%s: ", name);
	if (WIFSIGNALED(status))
		printf("killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == 200)
		printf("no cgroup");
	else
		printf("%s", WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "locked");
	printf(" after %lu thousand instructions\n", (unsigned long)(ended - began) / 1000);
}

static void beyond_memory(void)
{
	long bytes = sysconf(_SC_PHYS_PAGES) * PAGE;

	lock_in_child("mlock of twice the memory", 2 * (size_t)bytes, NULL, 0);
	mkdir("/tmp/cgroup", 0755);
	if (mount("cgroup2", "/tmp/cgroup", "cgroup2", 0, NULL) ||
	    !write_text("/tmp/cgroup/cgroup.subtree_control", "+memory") || mkdir("/tmp/cgroup/small", 0755) ||
	    !write_text("/tmp/cgroup/small/memory.max", "16777216"))
		printf("mlock beyond a cgroup: no cgroup\n");
	else
		lock_in_child("mlock of 64 MiB in a cgroup of 16 MiB", 64 * MIB, "/tmp/cgroup/small/cgroup.procs", 0);
	lock_in_child("SIGKILL amid an mlock of half the memory, until it is gone", (size_t)bytes / 2, NULL, 20000);
}

static const rlim_t PRIVILEGED = RLIM_INFINITY;

/* Calls as a child makes them, with the privilege, or a limit instead. */
static void fails(const char *name, rlim_t limit, int (*call)(char *pages))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		/* Four pages: there, a hole, no access, there. */
		char *pages = map(4 * PAGE, PROT_READ | PROT_WRITE);
		struct rlimit most = { limit, limit };
		int result;

		munmap(pages + PAGE, PAGE);
		mprotect(pages + 2 * PAGE, PAGE, PROT_NONE);
		if (limit != PRIVILEGED && (setrlimit(RLIMIT_MEMLOCK, &most) || setuid(UNPRIVILEGED)))
			err(1, "setuid");
		result = call(pages);
		printf("%s: %s\n", name, result ? strerrorname_np(errno) : "0");
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static int over_a_hole(char *pages)
{
	return mlock(pages, 2 * PAGE);
}

static int unlock_over_a_hole(char *pages)
{
	return munlock(pages, 2 * PAGE);
}

static int without_access(char *pages)
{
	return mlock(pages + 2 * PAGE, 2 * PAGE);
}

static int past_end_of_file(char *pages)
{
	int file = memfd_create("short", 0);

	(void)pages;
	if (ftruncate(file, PAGE))
		err(1, "ftruncate");
	return mlock(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, file, 0), 2 * PAGE);
}

static int one_page(char *pages)
{
	return mlock(pages, PAGE);
}

static int two_pages(char *pages)
{
	(void)pages;
	return mlock(map(2 * PAGE, PROT_READ), 2 * PAGE);
}

static int to_the_end(char *pages)
{
	return mlock(pages, -(size_t)pages - PAGE);
}

static int past_the_end(char *pages)
{
	return mlock(pages, (size_t)-PAGE);
}

static int everything(char *pages)
{
	(void)pages;
	return mlockall(MCL_CURRENT);
}

static int no_flags(char *pages)
{
	(void)pages;
	return mlockall(0);
}

static int only_on_fault(char *pages)
{
	(void)pages;
	return mlockall(MCL_ONFAULT);
}

static int unknown_flags(char *pages)
{
	return (int)syscall(SYS_mlock2, pages, PAGE, 2);
}

static int none_left(char *pages)
{
	if (mlock(pages, PAGE) || munlockall())
		return -1;
	errno = ENOTRECOVERABLE;
	return smaps(pages, PAGE, "Locked") ? -1 : 0;
}

static void errors(void)
{
	fails("mlock over a hole", PRIVILEGED, over_a_hole);
	fails("munlock over a hole", PRIVILEGED, unlock_over_a_hole);
	fails("mlock of PROT_NONE", PRIVILEGED, without_access);
	fails("mlock past the end of a file", PRIVILEGED, past_end_of_file);
	fails("mlock of two pages where one is permitted", PAGE, two_pages);
	fails("mlock where less than a page is permitted", 1, one_page);
	fails("mlock where nothing is permitted", 0, one_page);
	fails("mlock up to the end of the address space", PRIVILEGED, to_the_end);
	fails("mlock past the end of the address space", PRIVILEGED, past_the_end);
	fails("mlock2 with unknown flags", PRIVILEGED, unknown_flags);
	fails("mlockall of more than is permitted", PAGE, everything);
	fails("mlockall without flags", PRIVILEGED, no_flags);
	fails("mlockall with MCL_ONFAULT alone", PRIVILEGED, only_on_fault);
	fails("mlockall over PROT_NONE", PRIVILEGED, everything);
	fails("munlockall", PRIVILEGED, none_left);
}

struct served {
	int descriptor;
	size_t pages;
};

/* Serves pages, and changes mappings before each: that takes mmap_lock. */
static void *serve(void *argument)
{
	const struct served *served = argument;
	static char content[PAGE] __attribute__((aligned(PAGE)));

	for (size_t i = 0; i < served->pages; i++) {
		struct uffdio_copy copy = { .src = (uintptr_t)content, .len = PAGE };
		struct uffd_msg message;

		if (read(served->descriptor, &message, sizeof(message)) != sizeof(message))
			err(1, "userfaultfd");
		munmap(map(PAGE, PROT_READ), PAGE);
		copy.dst = message.arg.pagefault.address & ~(uint64_t)(PAGE - 1);
		if (ioctl(served->descriptor, UFFDIO_COPY, &copy))
			err(1, "UFFDIO_COPY");
	}
	return NULL;
}

static void user_faults(void)
{
	struct served served = { .descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC), .pages = 8 };
	char *area = map(served.pages * PAGE, PROT_READ | PROT_WRITE);
	struct uffdio_register region = { .range = { (uintptr_t)area, served.pages * PAGE },
					  .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t server;
	int result;

	if (served.descriptor < 0) {
		printf("userfaultfd: not there\n");
		return;
	}
	if (ioctl(served.descriptor, UFFDIO_API, &api) || ioctl(served.descriptor, UFFDIO_REGISTER, &region))
		err(1, "userfaultfd");
	if (pthread_create(&server, NULL, serve, &served))
		errx(1, "pthread_create");
	alarm(60);
	result = mlock(area, served.pages * PAGE);
	printf("mlock of pages of a userfaultfd, whose handler takes mmap_lock: %s, %ld KiB locked\n",
	       result ? strerrorname_np(errno) : "0", smaps(area, served.pages * PAGE, "Locked"));
	alarm(0);
	if (!result)
		pthread_join(server, NULL);
	close(served.descriptor);
}

enum { SHARED_PAGES = 64, ROUNDS = 300 };

static atomic_bool stop;

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
	}
	return NULL;
}

static bool lockdep_is_on(void)
{
	FILE *file = fopen("/proc/lockdep_stats", "re");
	char line[256];
	int value = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " debug_locks: %d", &value) == 1)
			break;
	if (file)
		fclose(file);
	return value;
}

static void two_threads(void)
{
	char *area = map(SHARED_PAGES * PAGE, PROT_READ | PROT_WRITE);
	int failed = 0, others = 0;
	pthread_t other;

	if (pthread_create(&other, NULL, disturb, area))
		errx(1, "pthread_create");
	for (int round = 0; round < ROUNDS; round++) {
		size_t from = (size_t)round % SHARED_PAGES;

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
	printf("two threads, %ld processors: %d of %d calls failed, %d of them not with EAGAIN or ENOMEM\n",
	       sysconf(_SC_NPROCESSORS_ONLN), failed, ROUNDS, others);
	if (munlockall() || mlock(area, SHARED_PAGES * PAGE))
		err(1, "afterwards");
	printf("  afterwards: %ld KiB locked, %ld KiB resident, lockdep %s\n",
	       smaps(area, SHARED_PAGES * PAGE, "Locked"), smaps(area, SHARED_PAGES * PAGE, "Rss"),
	       lockdep_is_on() ? "on, and silent" : "off");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	huge_pages();
	errors();
	user_faults();
	two_threads();
	beyond_memory();
	printf("done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
