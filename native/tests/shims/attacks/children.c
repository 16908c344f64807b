/* SPDX-License-Identifier: Apache-2.0 */

/* Children, however they are made, have no locks, nothing armed, and nobody inside. */
#include "attack.h"

extern pid_t _Fork(void) __attribute__((weak));

static char *memory;

/* Page 1 was locked on fault and page 2 eagerly by the parent; the last page cannot be brought in. */
static void in_child(const char *how)
{
	static char what[80];

	snprintf(what, sizeof(what), "%s: mlock of what the parent has locked", how);
	check(what, "....", strip(memory, 4));
	fails(what, mlock(memory, 4 * PAGE), ENOMEM);
	check(what, "....", strip(memory, 4));
	snprintf(what, sizeof(what), "%s: mlockall(0)", how);
	check(what, "not armed", future());
	fails(what, mlockall(0), EINVAL);
	check(what, "not armed", future());
	snprintf(what, sizeof(what), "%s: locks of the child's own", how);
	succeeds(what, mlock2(memory + PAGE, PAGE, MLOCK_ONFAULT));
	fails(what, mlock(memory, 4 * PAGE), ENOMEM);
	check(what, ".F..", strip(memory, 4));
}

static pid_t by_fork(void)
{
	return fork();
}

static pid_t by_clone(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void try(const char *how, pid_t (*make)(void))
{
	pid_t child = make();

	if (child == 0) {
		in_child(how);
		_exit(broken);
	}
	join(child);
}

/* Registered before main, perhaps by a library: it runs among the first things in a child. */
static void after_fork(void)
{
	in_child("a handler of pthread_atfork");
	munlockall();
}

static void try_all(void)
{
	try("fork", by_fork);
	try("clone", by_clone);
	if (_Fork)
		try("_Fork", _Fork);
	check("the parent", ".FL.", strip(memory, 4));
	check("the parent", "armed", future());
}

int main(int count, char **arguments)
{
	bool is_older = count > 1; /* a kernel that does not know MADV_WIPEONFORK */

	if (!is_older) {
		pid_t child = fork();

		if (child == 0) {
			execl("/proc/self/exe", arguments[0], "older", NULL);
			_exit(1);
		}
		join(child);
	} else if (!refuse(SYS_madvise, MADV_WIPEONFORK, EINVAL)) {
		printf("        no filter of system calls: not tried as on an older kernel\n");
		return 0;
	}
	memory = map(4);
	mprotect(memory + 3 * PAGE, PAGE, PROT_NONE);
	mlockall(MCL_FUTURE);
	mlock2(memory + PAGE, PAGE, MLOCK_ONFAULT);
	mlock(memory + 2 * PAGE, PAGE);
	try_all();
	pthread_atfork(NULL, NULL, after_fork);
	try("fork beside a handler of pthread_atfork", by_fork);
	return broken;
}
