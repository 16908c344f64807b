/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_ATTACK_H
#define LOCKPROOF_SHIMS_ATTACK_H

/*
 * A program for libposixmlock.so to be preloaded into (tests/runners/
 * test_posixmlock_attacks.py). It looks at its locks by itself, and says for
 * each thing that it tries whether it was `kept` or is BROKEN. Exit status: 0
 * all kept, 1 not, 77 it cannot be tried here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

enum { CANNOT_BE_TRIED = 77, LONGEST_STRIP = 64 };

static bool broken;

/* As many pages, with a hole on both sides. */
__attribute__((unused)) static char *map(size_t pages)
{
	char *memory = mmap(NULL, (pages + 2) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(CANNOT_BE_TRIED);
	}
	munmap(memory, PAGE);
	munmap(memory + (pages + 1) * PAGE, PAGE);
	return memory + PAGE;
}

/* To be opened before descriptors run out, and read once. */
__attribute__((unused)) static int open_smaps(void)
{
	return open("/proc/thread-self/smaps", O_RDONLY);
}

/* A letter for each page: L locked, F on fault, . not, _ not mapped. One of four buffers. */
__attribute__((unused)) static const char *strip_of(int smaps, const char *memory, size_t pages)
{
	static char strips[4][LONGEST_STRIP + 1], text[1 << 20];
	static int next;
	char *strip = strips[next++ % 4], *line, *rest = NULL;
	unsigned long start = 0, end = 0;
	size_t used = 0;
	ssize_t count;

	while ((count = read(smaps, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)count;
	close(smaps);
	text[used] = '\0';
	memset(strip, '_', pages);
	strip[pages] = '\0';
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char mode = strstr(line, " lf") ? 'F' : strstr(line, " lo") ? 'L' : '.';

		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			start = from;
			end = to;
		}
		if (strncmp(line, "VmFlags:", 8) != 0)
			continue;
		for (size_t i = 0; i < pages; i++) {
			unsigned long page = (unsigned long)memory + i * PAGE;

			if (page >= start && page < end)
				strip[i] = mode;
		}
	}
	return strip;
}

__attribute__((unused)) static const char *strip(const char *memory, size_t pages)
{
	return strip_of(open_smaps(), memory, pages);
}

/* What becomes of memory that is mapped now. */
__attribute__((unused)) static const char *future(void)
{
	char *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool armed = msync(page, PAGE, MS_ASYNC | MS_INVALIDATE) < 0 && errno == EBUSY;

	munmap(page, PAGE);
	return armed ? "armed" : "not armed";
}

__attribute__((unused)) static void check(const char *what, const char *expected, const char *found)
{
	if (strcmp(expected, found) == 0) {
		printf("kept    %s\n", what);
	} else {
		printf("BROKEN  %s: expected %s, found %s\n", what, expected, found);
		broken = true;
	}
	fflush(stdout);
}

/* A call that has to fail, with that errno; 0: any. */
__attribute__((unused)) static void fails(const char *what, int result, int error)
{
	if (result != -1 || (error && errno != error)) {
		printf("BROKEN  %s gives %d, errno %d\n", what, result, errno);
		fflush(stdout);
		broken = true;
	}
}

__attribute__((unused)) static void succeeds(const char *what, int result)
{
	if (result != 0) {
		printf("BROKEN  %s gives %d, errno %d\n", what, result, errno);
		fflush(stdout);
		broken = true;
	}
}

/* From now on the system call fails, with that value of its third argument, or with any (-1). False: no filter can be had. */
__attribute__((unused)) static bool refuse(unsigned number, int third, int error)
{
	unsigned any = third < 0;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | (any ? BPF_JGE : BPF_JEQ) | BPF_K, any ? 0 : (unsigned)third, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* The status of the child counts as the program's own. */
__attribute__((unused)) static void join(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (status) {
		printf("BROKEN  a child ended with status 0x%x\n", status);
		fflush(stdout);
		broken = true;
	}
}

#define CANNOT(...)                                                                                                    \
	do {                                                                                                           \
		printf(__VA_ARGS__);                                                                                   \
		puts("");                                                                                              \
		exit(CANNOT_BE_TRIED);                                                                                 \
	} while (0)

#endif
