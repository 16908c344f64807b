/* SPDX-License-Identifier: Apache-2.0 */

/* No file can be opened any more: neither smaps, nor maps. Modes are kept all the same. */
#include "attack.h"

#include <time.h>

enum { LONG = 4 << 20 };

static int smaps[4], read_of;

static const char *seen(const char *memory)
{
	return strip_of(smaps[read_of++], memory, 6);
}

static void limit_files(rlim_t soft)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = soft;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Asking about each of its four million pages takes seconds; nobody does. */
static void lock_and_unlock_much(void)
{
	char *memory = mmap(NULL, LONG * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct timespec before, after;

	if (memory == MAP_FAILED)
		return;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	succeeds("mlock2 of 16 GiB", mlock2(memory, LONG * PAGE, MLOCK_ONFAULT));
	succeeds("munlock of 16 GiB", munlock(memory, LONG * PAGE));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	printf("        mlock2 and munlock of 16 GiB: %.0f us of CPU\n",
	       (double)(after.tv_sec - before.tv_sec) * 1e6 + (double)(after.tv_nsec - before.tv_nsec) / 1e3);
	munmap(memory, LONG * PAGE);
}

int main(void)
{
	char *memory = map(6);

	for (int i = 0; i < 4; i++)
		smaps[i] = open_smaps();
	mprotect(memory + 4 * PAGE, PAGE, PROT_NONE);
	mlock2(memory, PAGE, MLOCK_ONFAULT);
	mlock(memory + 2 * PAGE, PAGE);
	limit_files(0);
	fails("mlock of a page that cannot be brought in", mlock(memory, 6 * PAGE), ENOMEM);
	check("mlock of a page that cannot be brought in", "F.L...", seen(memory));
	munmap(memory + 4 * PAGE, PAGE);
	fails("mlock over a hole", mlock(memory, 6 * PAGE), ENOMEM);
	check("mlock over a hole", "F.L._.", seen(memory));
	fails("mlock2 over a hole", mlock2(memory, 6 * PAGE, MLOCK_ONFAULT), ENOMEM);
	check("mlock2 over a hole", "F.L._.", seen(memory));
	fails("munlock over a hole", munlock(memory, 6 * PAGE), ENOMEM);
	check("munlock over a hole", "F.L._.", seen(memory));
	lock_and_unlock_much();
	return broken;
}
