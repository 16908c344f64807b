/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The memory controller of cgroup2 takes back what it can of a group when its
 * memory.high is written and is below what the group has: at once, until
 * nothing more goes (mm/memcontrol.c, memory_high_write). Nobody is killed for
 * what stays.
 */
#define _GNU_SOURCE

#include "kernel/reclaim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kernel/files.h"
#include "kernel/kernel.h"
#include "kernel/proc.h"
#include "kernel/process.h"

enum {
	MOST_PROCESSORS = 8192, /* that Linux has */
	LONGEST_WRITING = 1000, /* milliseconds */
	ROUNDS = 4,		/* what was written to the disk goes in a later one (mm/vmscan.c) */
	FIELDS_BEFORE = 11,
	TURNS = 3,
	USED_PAGES = 256,
	ROOM_FOR_DISKS = 16384,
};

void reclaim_start(struct reclaim *reclaim)
{
	reclaim->requests = reclaim->answers = -1;
	cgroup_make(reclaim->group, "-reclaim", "memory.high");
}

void reclaim_stop(struct reclaim *reclaim)
{
	cgroup_remove(reclaim->group);
}

/* empty_lists() is about those of one processor. */
static void stay_on_this_processor(void)
{
	unsigned long mask[MOST_PROCESSORS / (CHAR_BIT * sizeof(unsigned long))] = { 0 };
	int processor = sched_getcpu();
	const int bits = CHAR_BIT * (int)sizeof(mask[0]);

	if (processor < 0 || processor >= MOST_PROCESSORS)
		return;
	mask[processor / bits] = 1UL << (processor % bits);
	syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask);
}

/*
 * Pages that have just become resident, locked or unlocked wait in lists of the
 * processor until those are full, and nobody takes them meanwhile (mm/swap.c,
 * mm/mlock.c). Of what empties them (lru_add_drain), sealing a file needs
 * neither memory of the process nor a right to lock (mm/memfd.c, memfd_tag_pins).
 */
static long empty_lists(void)
{
	int file = (int)syscall(SYS_memfd_create, "lockproof", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	long result;

	if (file < 0)
		return -errno;
	result = fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) < 0 ? -errno : 0;
	close(file);
	return result;
}

/* All that goes, until nothing more does; then there is no limit again. */
static long take_back(int high)
{
	if (pwrite(high, "0", 1, 0) < 0 || pwrite(high, "max", 3, 0) < 0)
		return -errno;
	return 0;
}

/* Of a line of /proc/diskstats, the field that counts requests under way (Documentation/admin-guide/iostats.rst). */
static bool is_at_work(const char *line)
{
	for (int field = 0; field < FIELDS_BEFORE; field++) {
		line += strspn(line, " ");
		line += strcspn(line, " \n");
	}
	line += strspn(line, " ");
	return *line > '0' && *line <= '9';
}

/* Counts of memory that is being written are not read: they come late by as much as a process writes here. */
static bool disks_are_at_work(void)
{
	char text[ROOM_FOR_DISKS];
	int file = open("/proc/diskstats", O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);
	bool found = false;

	if (file >= 0)
		close(file);
	text[length > 0 ? length : 0] = '\0';
	for (const char *line = text; line && *line && !found; line = strchr(line, '\n')) {
		line += *line == '\n';
		found = is_at_work(line);
	}
	return found;
}

/* What is on its way to the disk is still there. */
static void wait_for_writing(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	for (int i = 0; i < LONGEST_WRITING && disks_are_at_work(); i++)
		nanosleep(&moment, NULL);
}

static long take_all(int high)
{
	long result = 0;

	for (int round = 0; round < ROUNDS && result == 0; round++) {
		result = empty_lists();
		if (result == 0)
			result = take_back(high);
		wait_for_writing();
	}
	return result;
}

/* Outside the group: what a member of it needs while nothing may stay makes that member sleep for seconds. */
static void serve(int requests, int answers, int high)
{
	char request;

	while (read(requests, &request, 1) == 1) {
		long result = take_all(high);

		if (write(answers, &result, sizeof(result)) != (ssize_t)sizeof(result))
			break;
	}
	process_exit(0);
}

static long start_server(struct reclaim *reclaim)
{
	int requests[2], answers[2], high = proc_open_in(reclaim->group, "memory.high", O_WRONLY);
	long server;

	if (high < 0 || pipe2(requests, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0)
		return -errno;
	server = process_fork();
	if (server == 0) {
		close(requests[1]);
		serve(requests[0], answers[1], high);
	}
	close(high);
	close(requests[0]);
	close(answers[1]);
	reclaim->requests = requests[1];
	reclaim->answers = answers[0];
	return server < 0 ? server : 0;
}

/* Before anything is mapped: memory belongs to the group in which its process was when it came. */
long kernel_prepare_reclaim(void *self)
{
	struct reclaim *reclaim = &((struct kernel *)self)->reclaim;
	long result;

	if (!*reclaim->group)
		return -EOPNOTSUPP;
	stay_on_this_processor();
	result = start_server(reclaim);
	return result < 0 ? result : cgroup_enter(reclaim->group);
}

/* What is in files is taken only when it is written. */
static void write_files(const struct kernel *kernel)
{
	for (int i = 0; i < MAX_REGIONS && kernel->objects[i].region.letter; i++) {
		if (kernel->objects[i].region.kind == KIND_FILE)
			fdatasync(kernel->objects[i].file);
	}
}

/*
 * What was used twice is looked at again only where the pages of that kind seem
 * to be the most of a group (mm/vmscan.c, inactive_is_low), of which the kernel
 * knows by steps of some 64 pages. So some more of them come behind it, in a
 * file that nobody maps.
 */
static long add_used_pages(const struct kernel *kernel)
{
	long file = file_in_memory();

	for (int i = 0; i < 2 * USED_PAGES && file >= 0; i++) {
		off_t place = (off_t)(i % USED_PAGES) * (off_t)kernel->page_size;

		if (pwrite((int)file, "", 1, place) < 0)
			return -errno;
	}
	return file;
}

static long ask_server(const struct reclaim *reclaim)
{
	const char request = 0;
	long result;

	if (write(reclaim->requests, &request, 1) != 1)
		return -errno;
	return read(reclaim->answers, &result, sizeof(result)) == (ssize_t)sizeof(result) ? result : -EIO;
}

long kernel_reclaim(void *self)
{
	const struct kernel *kernel = self;
	long result = 0;

	write_files(kernel);
	for (int turn = 0; turn < TURNS && result == 0; turn++) {
		long file = add_used_pages(kernel);

		result = file < 0 ? file : ask_server(&kernel->reclaim);
		if (file >= 0)
			close((int)file);
	}
	return result;
}
