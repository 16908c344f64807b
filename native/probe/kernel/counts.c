/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/counts.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kernel/proc.h"
#include "kernel/smaps.h"

enum {
	PAUSE = 20, /* milliseconds between two readings */
	/* So many readings without a change: what waits for a grace period of RCU, or for another process, has come. */
	STABLE = 15,
	MOST_READINGS = 150,
	READ_SIZE = 4096,
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * The last pages that a process leaves locked at its exit wait in a batch of
 * this CPU, the only one of a guest, to be counted as unlocked (mm/mlock.c,
 * mlock_drain_local). Locking and unlocking another page drains it; in Linux
 * 7.2 dropping caches no longer does. That page stays mapped while counts are
 * read: the object of a mapping that goes is counted until a grace period of
 * RCU has passed (kernel/fork.c, vm_area_free). It is shared, so that it never
 * becomes one with another mapping.
 */
static void *map_drain(void)
{
	return mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void drain_locks(void *page)
{
	if (mlock(page, page_size()) == 0)
		munlock(page, page_size());
}

/* What each CPU keeps to itself: pages on their way to a list (5: dropping caches, silently, drains them), numbers, objects. A kernel without one of these files has nothing to flush there. */
static void flush(void *page)
{
	drain_locks(page);
	proc_write("/proc/sys/vm/drop_caches", "5");
	proc_write("/proc/sys/vm/stat_refresh", "1");
	proc_write("/sys/kernel/slab/vm_area_struct/shrink", "1");
}

static bool count_mapping(void *self, const struct smaps_mapping *mapping)
{
	*(long *)self += !mapping->is_gate;
	return true;
}

/* The probe's own mappings come and go with the process that looks. */
static long own_vm_areas(void)
{
	long count = 0;
	struct smaps smaps = smaps_to(count_mapping, &count);
	char buffer[READ_SIZE];

	return smaps_read(&smaps, "/proc/self/maps", buffer, sizeof(buffer)) ? count : 0;
}

static long count_vm_areas(void)
{
	long count = proc_number("/proc/slabinfo", "vm_area_struct ");

	if (count < 0)
		count = proc_number("/sys/kernel/slab/vm_area_struct/objects", "");
	return count < 0 ? COUNT_UNSEEN : count - own_vm_areas();
}

static struct counts read_counts(void)
{
	long kib = proc_number("/proc/meminfo", "Mlocked:");

	return (struct counts){
		.mlocked = kib == -1 ? COUNT_UNSEEN : kib / (long)(page_size() / 1024),
		.vm_areas = count_vm_areas(),
	};
}

static bool is_same(struct counts one, struct counts other)
{
	return one.mlocked == other.mlocked && one.vm_areas == other.vm_areas;
}

/* Until they are as wanted, or stay as they are. */
static struct counts wait_for(const struct counts *wanted)
{
	const struct timespec pause = { .tv_nsec = PAUSE * 1000000L };
	struct counts before, now;
	void *page = map_drain();
	int stable = 0;

	flush(page);
	now = read_counts();
	for (int readings = 0; readings < MOST_READINGS && stable < STABLE && !(wanted && is_same(now, *wanted));
	     readings++) {
		nanosleep(&pause, NULL);
		before = now;
		flush(page);
		now = read_counts();
		stable = is_same(before, now) ? stable + 1 : 0;
	}
	munmap(page, page_size());
	return now;
}

struct counts counts_at_start(void)
{
	return wait_for(NULL);
}

long kernel_settle(void *self, struct counts *start, struct counts *now)
{
	const struct kernel *kernel = self;

	*start = kernel->start;
	*now = wait_for(&kernel->start);
	return 0;
}
