/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Another init of benchmarks/kernel: memory that is locked stays while its
 * cgroup is reclaimed, what is not goes to swap, and comes back where it is
 * locked. Swap is a RAM disk (CONFIG_BLK_DEV_RAM).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "memory.h"

enum { MIB = 1 << 20, HALF = 4 * MIB, ROUNDS = 50 };

static bool write_text(const char *path, const char *text)
{
	int descriptor = open(path, O_WRONLY | O_CLOEXEC);
	bool written = descriptor >= 0 && write(descriptor, text, strlen(text)) >= 0;

	if (descriptor >= 0)
		close(descriptor);
	return written;
}

/* Writes what mkswap would, the union swap_header of include/linux/swap.h. */
static void swap_on(const char *path)
{
	static char header[PAGE];
	int descriptor = open(path, O_RDWR | O_CLOEXEC);
	uint64_t bytes = 0;
	uint32_t info[3] = { 1 };

	if (descriptor < 0 || ioctl(descriptor, BLKGETSIZE64, &bytes))
		err(1, "%s", path);
	info[1] = (uint32_t)(bytes / PAGE - 1);
	memcpy(header + 1024, info, sizeof(info));
	memcpy(header + PAGE - 10, "SWAPSPACE2", 10);
	if (write(descriptor, header, PAGE) != PAGE || fsync(descriptor) || swapon(path, 0))
		err(1, "%s", path);
	close(descriptor);
}

static void enter_cgroup(void)
{
	mkdir("/cgroup", 0755);
	if (mount("cgroup2", "/cgroup", "cgroup2", 0, NULL) ||
	    !write_text("/cgroup/cgroup.subtree_control", "+memory") || mkdir("/cgroup/small", 0755) ||
	    !write_text("/cgroup/small/cgroup.procs", "0"))
		err(1, "cgroup");
}

/* Fails where less than that can be reclaimed. */
static void reclaim(void)
{
	write_text("/cgroup/small/memory.reclaim", "16777216");
}

static void say(const char *what, const char *start, size_t bytes)
{
	printf("  %s: %ld KiB of %zu in memory, %ld in swap, %ld locked\n", what, smaps(start, bytes, "Rss"),
	       bytes / 1024, smaps(start, bytes, "Swap"), smaps(start, bytes, "Locked"));
}

static void one_half(char *area)
{
	if (mlock(area, HALF))
		err(1, "mlock");
	reclaim();
	printf("half is locked, all is reclaimed\n");
	say("locked", area, HALF);
	say("not locked", area + HALF, HALF);
	if (mlock(area + HALF, HALF))
		err(1, "mlock");
	reclaim();
	printf("the other half is locked, too, all is reclaimed\n");
	say("both", area, 2 * HALF);
}

static atomic_bool stop;

static void *reclaim_always(void *unused)
{
	while (!stop)
		reclaim();
	return unused;
}

/* Between two attempts of a call that are long enough, pages go again. */
static void beside_reclaim(char *area)
{
	unsigned int failed = 0, missing = 0, fetched = 0;
	pthread_t other;

	if (pthread_create(&other, NULL, reclaim_always, NULL))
		errx(1, "pthread_create");
	for (unsigned int round = 0; round < ROUNDS; round++) {
		if (munlock(area, 2 * HALF))
			err(1, "munlock");
		while (!smaps(area, 2 * HALF, "Swap"))
			;
		fetched++;
		if (mlock(area, 2 * HALF))
			failed++;
		else if (smaps(area, 2 * HALF, "Rss") != 2 * HALF / 1024)
			missing++;
	}
	stop = true;
	pthread_join(other, NULL);
	printf("another thread reclaims: of %u times that it was locked with pages in swap, %u failed, %u left pages "
	       "out\n",
	       fetched, failed, missing);
}

int main(void)
{
	char *area;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	swap_on("/dev/ram0");
	enter_cgroup();
	area = map(2 * HALF, PROT_READ | PROT_WRITE);
	memset(area, 1, 2 * HALF);
	one_half(area);
	beside_reclaim(area);
	printf("done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
