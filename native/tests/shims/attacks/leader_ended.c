/* SPDX-License-Identifier: Apache-2.0 */

/* The first thread has ended: what /proc/self names has no memory any more. */
#include "attack.h"

static pthread_t leader;

static void *other_thread(void *unused)
{
	char *memory = map(6);
	const char *before;

	(void)unused;
	pthread_join(leader, NULL);
	mprotect(memory + 5 * PAGE, PAGE, PROT_NONE);
	mlock2(memory, PAGE, MLOCK_ONFAULT);
	mlock(memory + 2 * PAGE, PAGE);
	before = strip(memory, 6);
	fails("mlock of a page that cannot be brought in", mlock(memory, 6 * PAGE), ENOMEM);
	check("mlock of a page that cannot be brought in", before, strip(memory, 6));
	munmap(memory + 4 * PAGE, PAGE);
	before = strip(memory, 6);
	fails("mlock over a hole", mlock(memory, 6 * PAGE), ENOMEM);
	check("mlock over a hole", before, strip(memory, 6));
	fails("mlock2 over a hole", mlock2(memory, 6 * PAGE, MLOCK_ONFAULT), ENOMEM);
	check("mlock2 over a hole", before, strip(memory, 6));
	fails("munlock over a hole", munlock(memory, 6 * PAGE), ENOMEM);
	check("munlock over a hole", before, strip(memory, 6));
	fails("mlockall(0)", mlockall(0), EINVAL);
	check("mlockall(0)", before, strip(memory, 6));
	exit(broken);
}

int main(void)
{
	pthread_t thread;

	leader = pthread_self();
	pthread_create(&thread, NULL, other_thread, NULL);
	pthread_exit(NULL);
}
