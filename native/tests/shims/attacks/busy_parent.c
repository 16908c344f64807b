/* SPDX-License-Identifier: Apache-2.0 */

/* A thread is inside a call while children are forked: they have all the room, and nobody to wait for. */
#include "attack.h"

enum { RUNS = 3000, CHILDREN = 40 };

static _Atomic bool stop;
static char *memory;

static void *busy(void *unused)
{
	(void)unused;
	while (!stop)
		mlock(memory, (2 * RUNS + 2) * PAGE);
	return NULL;
}

static int lock_many(void)
{
	for (size_t i = 0; i < RUNS; i++) {
		if (syscall(SYS_mlock, memory + 2 * i * PAGE, PAGE))
			return 2;
	}
	return mlock(memory, 2 * RUNS * PAGE) ? 1 : 0;
}

int main(void)
{
	pthread_t thread;

	memory = map(2 * RUNS + 2);
	mprotect(memory + (2 * RUNS + 1) * PAGE, PAGE, PROT_NONE);
	for (size_t i = 0; i < RUNS; i++)
		syscall(SYS_mlock, memory + 2 * i * PAGE, PAGE);
	pthread_create(&thread, NULL, busy, NULL);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t child;

		usleep(1000 + 137 * (unsigned)i);
		child = fork();
		if (child == 0) {
			alarm(30);
			_exit(lock_many());
		}
		join(child);
	}
	stop = true;
	pthread_join(thread, NULL);
	check("children beside a busy thread", "kept", broken ? "broken" : "kept");
	return broken;
}
