/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Another init of benchmarks/kernel: what calls of the mlock() family do where
 * memory is short or huge, and their errors. A line for each, `name: what was
 * seen`.
 *
 * Counts are instructions, as in costs.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

enum { HUGE = 2 << 20, MIB = 1 << 20, UNPRIVILEGED = 1000 };

static uint64_t counter(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static bool write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	bool done = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);

	if (file >= 0)
		close(file);
	return done;
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

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	huge_pages();
	errors();
	beyond_memory();
	printf("done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
