/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A signal handler that runs inside a call, which waits for a page meanwhile:
 * it forks, and it locks. The kernel lets it run when the page has come.
 */
#include "attack.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

static int faults;
static char *memory, *page;
static pthread_t caller;
static pid_t child;

static void *serve(void *unused)
{
	struct uffd_msg message;
	struct uffdio_copy copy = { .src = (uintptr_t)page, .len = PAGE };

	(void)unused;
	if (read(faults, &message, sizeof(message)) != sizeof(message))
		return NULL;
	pthread_kill(caller, SIGUSR1);
	copy.dst = message.arg.pagefault.address & ~(uint64_t)(PAGE - 1);
	ioctl(faults, UFFDIO_COPY, &copy);
	return NULL;
}

static void become_two(int number)
{
	(void)number;
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void change_locks(int number)
{
	(void)number;
	succeeds("mlock of the handler", mlock(memory, PAGE));
	succeeds("munlock of the handler", munlock(memory + 2 * PAGE, PAGE));
}

/* Page 1 comes from the server, page 2 is locked, page 4 cannot be brought in. */
static void fail_with(void (*handler)(int))
{
	struct uffdio_register registered = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;

	memory = map(5);
	registered.range.start = (uintptr_t)memory + PAGE;
	registered.range.len = PAGE;
	ioctl(faults, UFFDIO_REGISTER, &registered);
	mprotect(memory + 4 * PAGE, PAGE, PROT_NONE);
	mlock(memory + 2 * PAGE, PAGE);
	signal(SIGUSR1, handler);
	pthread_create(&thread, NULL, serve, NULL);
	fails("mlock", mlock(memory, 5 * PAGE), ENOMEM);
	if (child == 0 && handler == become_two) {
		check("a child that was forked inside a call", ".....", strip(memory, 5));
		succeeds("mlock of the child", mlock(memory, PAGE));
		fails("mlock of the child", mlock(memory, 5 * PAGE), ENOMEM);
		check("a call of that child that fails", "L....", strip(memory, 5));
		_exit(broken);
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	struct uffdio_api api = { .api = UFFD_API };

	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) < 0)
		CANNOT("no userfaultfd: %s", strerror(errno));
	page = map(1);
	caller = pthread_self();
	alarm(30);
	fail_with(become_two);
	join(child);
	check("the parent", "..L..", strip(memory, 5));
	fail_with(change_locks);
	check("what a handler does inside a call that fails", "L....", strip(memory, 5));
	return broken;
}
