/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_PROCESS_H
#define LOCKPROOF_KERNEL_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* How a child ended. */
struct ending {
	long error; /* errno of a fork that failed, or 0 */
	bool hung;  /* it was over the time limit, and was killed */
	int status; /* as wait(2) has it, otherwise */
};

/* To be called once, before any child: takes in orphans and holds SIGCHLD back for process_run(). */
void process_prepare(void);

/* Runs `body` in a child, which is gone afterwards with all its children. */
struct ending process_run(void (*body)(void *argument), void *argument, long milliseconds);

/* Waits for a child to end, and ends it when its time is over; as process_run() does. */
struct ending process_await(pid_t child, long milliseconds);

/* fork(2) without what the C library does around it. The child dies with its parent. */
long process_fork(void);

/* The same, but a child of `parent`, which is that of this process; this one does not learn how it ends. */
long process_fork_sibling(pid_t parent);

/* Makes the process die with its parent; a change of credentials undoes it. */
void process_die_with(pid_t parent);

void process_exit(int code) __attribute__((noreturn));

/* Waits for a child of process_fork(). */
int process_wait(pid_t child);

/* Ends the process in the way in which that child ended, but where it ended well. */
void process_die_like(int status);

#endif
