/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The floor of `lockproof prove`: enumerates the same address spaces and calls,
 * page by page and range by range, and asks no model. Its argument is the largest number of
 * pages, and how many states a call has on average.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KINDS = 7, CALLS_OF_ALL = 8 };

int main(int argc, char **argv)
{
	const int most = argc > 1 ? atoi(argv[1]) : 6, each = argc > 2 ? atoi(argv[2]) : 3;
	unsigned long long spaces = 1, states = 0;
	volatile unsigned sink = 0;
	struct timespec began, ended;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &began);
	for (int pages = 1; pages <= most; pages++) {
		spaces *= KINDS;
		for (unsigned long long space = 0; space < spaces; space++) {
			unsigned long long rest = space;
			unsigned what[16], calls = (unsigned)(pages * (pages + 1) + CALLS_OF_ALL);

			for (int page = 0; page < pages; page++, rest /= KINDS)
				what[page] = (unsigned)(rest % KINDS);
			for (unsigned call = 0; call < calls; call++) {
				for (int n = 0; n < each; n++, states++)
					sink = what[call % (unsigned)pages] + (unsigned)n;
			}
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	seconds = (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
	printf("%llu %f\n", states, seconds);
	return sink > 100;
}
