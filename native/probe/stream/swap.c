/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "stream/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "kernel/proc.h"

/* Of union swap_header in include/linux/swap.h: where its numbers and its mark begin, the latter from the end of a page. */
enum { NUMBERS_AT = 1024, MARK_FROM_END = 10, MOST_BYTES_OF_A_PAGE = 65536 };

/* Writes what mkswap would; false with errno. */
static bool format(int disk)
{
	char header[MOST_BYTES_OF_A_PAGE] = { 0 }; /* not among the data of every child */
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	off_t bytes = lseek(disk, 0, SEEK_END);
	const uint32_t numbers[] = { 1, (uint32_t)((size_t)bytes / page_size - 1),
				     0 }; /* version, last page, bad pages */

	if (bytes < 0)
		return false;
	memcpy(header + NUMBERS_AT, numbers, sizeof(numbers));
	memcpy(header + page_size - MARK_FROM_END, "SWAPSPACE2", MARK_FROM_END);
	return pwrite(disk, header, page_size, 0) == (ssize_t)page_size && fsync(disk) == 0;
}

/* What is read around a page that comes back would count as resident, although nobody has asked for it. */
static void read_single_pages(void)
{
	proc_write("/proc/sys/vm/page-cluster", "0");
}

void swap_start(void)
{
	static const char *const disks[] = { "/dev/nvme0n1", "/dev/ram0" };

	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		int disk = open(disks[i], O_RDWR | O_CLOEXEC);
		bool works;

		if (disk < 0)
			continue;
		works = format(disk) && swapon(disks[i], 0) == 0;
		if (works)
			read_single_pages();
		else
			fprintf(stderr, "%s: cannot be swapped to: %s\n", disks[i], strerror(errno));
		close(disk);
		if (works)
			return;
	}
}
