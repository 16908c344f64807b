/* SPDX-License-Identifier: Apache-2.0 */

/* Mappings of an init of benchmarks/kernel, and what smaps says of them. */
#pragma once

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static char *map(size_t bytes, int protection)
{
	char *found = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (found == MAP_FAILED)
		err(1, "mmap");
	return found;
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
