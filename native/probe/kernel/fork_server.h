/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_FORK_SERVER_H
#define LOCKPROOF_KERNEL_FORK_SERVER_H

#include "kernel/process.h"

/*
 * A process that has prepared what takes long, and of which others are forked.
 * They are children of the process that started it, as if that had forked them.
 * One is always ready, and waits for a signal to begin: it is forked while the
 * one before it runs.
 */
struct fork_server {
	int socket; /* a byte to the server: one more process is wanted; from each process its number. -1: there is none */
};

/* Starts it: `prepare` is called in it once, and where that is true `body` in each process that it forks. */
void fork_server_start(struct fork_server *server, bool (*prepare)(void *argument), void (*body)(void *argument),
		       void *argument);

/* As process_run(), with the body that the server was given. False: it has no process to give, and is stopped. */
bool fork_server_run(struct fork_server *server, long milliseconds, struct ending *ending);

void fork_server_stop(struct fork_server *server);

#endif
