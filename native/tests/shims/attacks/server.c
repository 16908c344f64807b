/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A thread that serves page faults (userfaultfd) locks memory before it
 * answers the fault that another thread's call waits for. A server in user
 * space of a file system is in the same place.
 */
#include "attack.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

static int faults;
static char *served, *own;
static void (*before_the_answer)(void);

static void answer(uint64_t address)
{
	struct uffdio_copy copy = { .dst = address & ~(uint64_t)(PAGE - 1), .src = (uintptr_t)own, .len = PAGE };

	ioctl(faults, UFFDIO_COPY, &copy);
}

static void *serve(void *unused)
{
	struct uffd_msg message;

	(void)unused;
	if (read(faults, &message, sizeof(message)) == sizeof(message)) {
		before_the_answer();
		answer(message.arg.pagefault.address);
	}
	return NULL;
}

/* A page of memory that nobody has touched, before one that cannot be brought in. */
static void register_memory(void)
{
	struct uffdio_register registered = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	served = map(4);
	mprotect(served + 3 * PAGE, PAGE, PROT_NONE);
	memset(served, 1, PAGE);
	memset(served + 2 * PAGE, 1, PAGE);
	registered.range.start = (uintptr_t)served + PAGE;
	registered.range.len = PAGE;
	ioctl(faults, UFFDIO_REGISTER, &registered);
}

static void try(const char *what, void (*act)(void), size_t pages, const char *expected)
{
	pthread_t thread;
	int result;

	register_memory();
	before_the_answer = act;
	pthread_create(&thread, NULL, serve, NULL);
	result = mlock(served, pages * PAGE);
	if (result != (pages == 4 ? -1 : 0))
		printf("BROKEN  %s: mlock gives %d\n", what, result), broken = true;
	pthread_join(thread, NULL);
	check(what, expected, strip(served, 4));
	munlockall();
}

static void lock_own(void)
{
	succeeds("mlock of the server", mlock(own, PAGE));
	memset(own, 7, PAGE);
}

static void unlock_what_is_served(void)
{
	succeeds("munlock of the server", munlock(served, PAGE));
}

static void lock_on_fault(void)
{
	succeeds("mlock2 of the server", mlock2(served, 3 * PAGE, MLOCK_ONFAULT));
}

static void fail_there(void)
{
	fails("mlock of the server", mlock(served + 2 * PAGE, 2 * PAGE), ENOMEM);
}

static void arm(void)
{
	succeeds("mlockall of the server", mlockall(MCL_FUTURE));
}

static void unlock_all(void)
{
	succeeds("munlockall of the server", munlockall());
}

int main(void)
{
	struct uffdio_api api = { .api = UFFD_API };

	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) < 0)
		CANNOT("no userfaultfd: %s", strerror(errno));
	own = map(1);
	alarm(30);
	try("the server locks its own memory", lock_own, 3, "LLL.");
	try("the server locks its own memory, the call fails", lock_own, 4, "....");
	try("the server unlocks what is served", unlock_what_is_served, 3, ".LL.");
	try("the server unlocks what is served, the call fails", unlock_what_is_served, 4, "....");
	try("the server fails over what is served", fail_there, 3, "LLL.");
	try("the server fails over what is served, the call fails", fail_there, 4, "....");
	try("the server arms MCL_FUTURE", arm, 3, "LLL.");
	try("the server unlocks everything, the call fails", unlock_all, 4, "....");
	try("the server locks on fault", lock_on_fault, 3, "FFF.");
	try("the server locks on fault, the call fails", lock_on_fault, 4, "FFF.");
	return broken;
}
