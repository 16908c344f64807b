/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/fork_server.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BEGIN = SIGUSR1 };

static bool read_all(int socket, void *bytes, size_t size)
{
	ssize_t count;

	do {
		count = read(socket, bytes, size);
	} while (count < 0 && errno == EINTR);
	return count == (ssize_t)size;
}

/* Where nobody reads any more, no signal is wanted. */
static bool write_all(int socket, const void *bytes, size_t size)
{
	return send(socket, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool ask_for_one_more(int socket)
{
	return write_all(socket, "", 1);
}

static bool is_asked_for_one_more(int socket)
{
	char byte;

	return read_all(socket, &byte, 1);
}

/* In the server, and in the processes that it forks. */
struct served {
	int socket;
	void (*body)(void *argument);
	void *argument;
	pid_t parent, group; /* of the process that started the server */
	sigset_t begin;
};

static void run_child(const struct served *served)
{
	pid_t own = getpid();

	if (!write_all(served->socket, &own, sizeof(own)))
		process_exit(1);
	while (sigwaitinfo(&served->begin, NULL) != BEGIN)
		;
	sigprocmask(SIG_UNBLOCK, &served->begin, NULL);
	close(served->socket);
	setpgid(0, served->group);
	served->body(served->argument);
	process_exit(0);
}

/* In a group of its own, so that who waits for orphans of its own group does not wait for the server. */
static void serve(const struct served *served)
{
	setpgid(0, 0);
	sigprocmask(SIG_BLOCK, &served->begin, NULL);
	do {
		long child = process_fork_sibling(served->parent);

		if (child == 0)
			run_child(served);
		if (child < 0)
			break;
	} while (is_asked_for_one_more(served->socket));
	process_exit(0);
}

void fork_server_start(struct fork_server *server, bool (*prepare)(void *argument), void (*body)(void *argument),
		       void *argument)
{
	struct served served = { .body = body, .argument = argument, .parent = getpid(), .group = getpgrp() };
	int ends[2];
	long child;

	server->socket = -1;
	sigemptyset(&served.begin);
	sigaddset(&served.begin, BEGIN);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	served.socket = ends[1];
	child = process_fork();
	if (child == 0) {
		close(ends[0]);
		if (prepare(argument))
			serve(&served);
		process_exit(1);
	}
	close(ends[1]);
	server->socket = ends[0];
	if (child < 0)
		fork_server_stop(server);
}

/* A process that died while it was ready is none to give. */
bool fork_server_run(struct fork_server *server, long milliseconds, struct ending *ending)
{
	pid_t child;

	if (server->socket < 0)
		return false;
	if (!read_all(server->socket, &child, sizeof(child)) || waitpid(child, NULL, WNOHANG) != 0) {
		fork_server_stop(server);
		return false;
	}
	kill(child, BEGIN);
	ask_for_one_more(server->socket); /* a server that is gone will give none the next time */
	*ending = process_await(child, milliseconds);
	return true;
}

void fork_server_stop(struct fork_server *server)
{
	if (server->socket >= 0)
		close(server->socket);
	server->socket = -1;
}
