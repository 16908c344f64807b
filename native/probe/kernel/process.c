/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIME_TO_DIE = 5000 }; /* milliseconds after SIGKILL */

static void set_of_sigchld(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
}

/* A limit of 1 byte: no core file, and nothing is piped to a handler of cores either. */
static void forbid_core_dumps(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 1) {
		limit.rlim_cur = 1;
		setrlimit(RLIMIT_CORE, &limit);
	}
}

void process_prepare(void)
{
	sigset_t set;

	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not be written to gives an error */
	set_of_sigchld(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	forbid_core_dumps();
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Sleeps until a child changes state, or until the deadline. False: it has passed. */
static bool sleep_until(long long deadline)
{
	long long left = deadline - now();
	struct timespec timeout = { .tv_sec = (time_t)(left / 1000), .tv_nsec = (long)(left % 1000) * 1000000 };
	sigset_t set;

	if (left <= 0)
		return false;
	set_of_sigchld(&set);
	sigtimedwait(&set, NULL, &timeout);
	return true;
}

/* False: the deadline passed first. */
static bool wait_until(pid_t child, long long deadline, int *status)
{
	while (sleep_until(deadline)) {
		if (waitpid(child, status, WNOHANG) == child)
			return true;
	}
	return waitpid(child, status, WNOHANG) == child;
}

/* Children of the child, which are of the same group, fall to this process when it dies, and are being killed then. */
static void wait_for_orphans(long long deadline)
{
	pid_t orphan;
	int status;

	do {
		orphan = waitpid(0, &status, WNOHANG);
	} while (orphan > 0 || (orphan == 0 && sleep_until(deadline)));
}

struct ending process_run(void (*body)(void *argument), void *argument, long milliseconds)
{
	long child = process_fork();

	if (child == 0) {
		body(argument);
		process_exit(0);
	}
	return child < 0 ? (struct ending){ .error = -child } : process_await((pid_t)child, milliseconds);
}

struct ending process_await(pid_t child, long milliseconds)
{
	struct ending ending = { 0 };

	if (!wait_until(child, now() + milliseconds, &ending.status)) {
		ending.hung = true;
		kill(child, SIGKILL);
		wait_until(child, now() + TIME_TO_DIE, &ending.status);
	}
	if (ending.hung || WIFSIGNALED(ending.status))
		wait_for_orphans(now() + TIME_TO_DIE);
	return ending;
}

static long fork_with(unsigned long flags, pid_t parent)
{
	long child;

#if defined(__s390__) || defined(__CRIS__)
	child = syscall(SYS_clone, 0, flags, 0, 0, 0);
#else
	child = syscall(SYS_clone, flags, 0, 0, 0, 0);
#endif
	if (child == 0)
		process_die_with(parent);
	return child < 0 ? -errno : child;
}

long process_fork(void)
{
	return fork_with(SIGCHLD, getpid());
}

long process_fork_sibling(pid_t parent)
{
	return fork_with(CLONE_PARENT | SIGCHLD, parent);
}

void process_die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		process_exit(1);
}

void process_exit(int code)
{
	for (;;)
		syscall(SYS_exit_group, code);
}

int process_wait(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void process_die_like(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status))
		process_exit(WEXITSTATUS(status));
	if (!WIFSIGNALED(status))
		return;
	signal(WTERMSIG(status), SIG_DFL);
	kill(getpid(), WTERMSIG(status));
	process_exit(1);
}
