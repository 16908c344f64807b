/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The floor of benchmarks/throughput: what the kernel alone takes for the case of
 * case.yaml. A loop that makes the same system calls as the probe, each
 * execution in a forked child, and looks at nothing that they give.
 *
 * Prints the seconds for as many executions as its argument says.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 8, ROOM = 512 << 20 };

static void read_all(const char *path)
{
	static char buffer[16384];
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		_exit(1);
	while (read(file, buffer, sizeof(buffer)) > 0)
		;
	close(file);
}

static void snapshot(char *arena)
{
	unsigned char resident;
	int page;

	read_all("/proc/self/smaps");
	for (page = 0; page < PAGES; page++)
		if (page < 3 || page > 4)
			msync(arena + page * PAGE, PAGE, MS_ASYNC | MS_INVALIDATE);
	for (page = 0; page < PAGES; page++)
		if (page < 3 || page > 4)
			mincore(arena + page * PAGE, PAGE, &resident);
	read_all("/proc/self/status");
}

static void execute(void)
{
	char *room, *arena;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1)
		_exit(1);
	room = mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		_exit(1);
	munmap(room, ROOM);
	arena = room + ROOM / 2;
	mmap(arena, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(arena + 5 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (mlock(arena + PAGE, PAGE))
		_exit(1);
	snapshot(arena);
	if (mlock(arena + PAGE, 6 * PAGE) == 0)
		_exit(1);
	snapshot(arena);
	_exit(0);
}

int main(int argc, char **argv)
{
	static const struct timespec limit = { .tv_sec = 30 };
	long executions = argc > 1 ? strtol(argv[1], NULL, 10) : 10000;
	struct timespec began, ended;
	sigset_t child_ended;
	int status;

	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ended, NULL);
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (long i = 0; i < executions; i++) {
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child == 0)
			execute();
		sigtimedwait(&child_ended, NULL, &limit);
		if (waitpid(child, &status, 0) != child || status != 0)
			errx(1, "a child failed: the floor needs root or RLIMIT_MEMLOCK of at least 8 pages");
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%.6f\n", (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
	return 0;
}
