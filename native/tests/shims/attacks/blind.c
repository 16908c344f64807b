/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ways to see locks are taken away one after another, as by an older kernel, a
 * filter of system calls, or a root without /proc. Without any a call that
 * would have something to lose is refused before it changes anything.
 */
#include "attack.h"

#include <sched.h>
#include <sys/mount.h>

enum { PAGES = 60 };

static char *memory;

/* Looks with descriptors that were opened while that could be done. */
static int smaps[8], next;

static void try(const char *what, int error, const char *expected)
{
	fails(what, mlock(memory, PAGES * PAGE), error);
	check(what, expected, strip_of(smaps[next++], memory, PAGES));
	fails(what, mlock2(memory, PAGES * PAGE, 0), error);
	check(what, expected, strip_of(smaps[next++], memory, PAGES));
}

static void in_child(void (*act)(void))
{
	pid_t child = fork();

	if (child == 0) {
		char expected[PAGES + 1];

		memset(expected, '.', PAGES);
		expected[PAGES] = '\0';
		for (size_t i = 0; i < PAGES - 20; i += 7) {
			mlock(memory + i * PAGE, 2 * PAGE);
			memset(expected + i, 'L', 2);
		}
		mlock2(memory + 50 * PAGE, 3 * PAGE, MLOCK_ONFAULT);
		memset(expected + 50, 'F', 3);
		for (size_t i = 0; i < sizeof(smaps) / sizeof(smaps[0]); i++)
			smaps[i] = open_smaps();
		check("a page that cannot be brought in", expected, strip(memory, PAGES));
		act();
		_exit(broken);
	}
	join(child);
}

static void forbid_files(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_NOFILE, &none);
}

static char layout[PAGES + 1];

static void remember(void)
{
	strcpy(layout, strip_of(smaps[next++], memory, PAGES));
}

static void without_queries(void)
{
	remember();
	refuse(SYS_ioctl, -1, ENOTTY);
	try("no PROCMAP_QUERY", ENOMEM, layout);
}

static void without_msync(void)
{
	remember();
	refuse(SYS_msync, -1, EPERM);
	try("no msync", ENOMEM, layout);
}

static void with_lies(void)
{
	remember();
	refuse(SYS_msync, -1, ENOMEM);
	try("an msync that finds nothing mapped", ENOMEM, layout);
}

static void without_files(void)
{
	remember();
	forbid_files();
	try("no files", ENOMEM, layout);
}

static void without_anything(void)
{
	remember();
	refuse(SYS_msync, -1, EPERM);
	forbid_files();
	try("neither msync nor files", EAGAIN, layout);
}

/* What is there in place of /proc/thread-self/smaps shows no mapping. */
static void with_an_empty_proc(void)
{
	remember();
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("/dev/null", "/proc/thread-self/smaps", NULL, MS_BIND, NULL)) {
		printf("        no empty smaps: %s\n", strerror(errno));
		return;
	}
	refuse(SYS_msync, -1, EPERM);
	try("neither msync nor a smaps that shows anything", EAGAIN, layout);
}

int main(void)
{
	memory = map(PAGES);
	mprotect(memory + 55 * PAGE, PAGE, PROT_NONE);
	in_child(without_queries);
	in_child(without_msync);
	in_child(with_lies);
	in_child(without_files);
	in_child(without_anything);
	in_child(with_an_empty_proc);
	return broken;
}
