/* SPDX-License-Identifier: Apache-2.0 */

/*
 * lockproof-tracer LOG RULES PATH ARGUMENT...: runs a program, and lets its
 * calls that lock memory misbehave as the rules say (docs/inject.md), whoever
 * makes them and however: by a function of a libc, or by an instruction of its
 * own. To the descriptor LOG a line is written for each call, and for each
 * process that ends. All that the program starts is traced, and ends with the
 * tracer. SIGTERM is handed on to it; a second one ends it all.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "filter.h"
#include "machine.h"
#include "threads.h"

enum {
	ARGUMENTS = 5, /* at least */
	ROOM = 512,
	AT_CALL = SIGTRAP | 0x80, /* PTRACE_O_TRACESYSGOOD */
	OPTIONS = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
		  PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC,
};

struct tracer {
	pid_t program;
	struct threads threads;
	struct calls calls;
	int told; /* how often it was told to end */
};

/* What the program is started with; what fails is told by the descriptor. */
struct start {
	const char *path;
	char **arguments;
	sigset_t signals;
	int go, failed;
};

static void write_line(int log, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void write_line(int log, const char *format, ...)
{
	char line[ROOM];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	calls_write(log, line, (size_t)length);
}

static void tell_trouble(int log, const char *what, int error)
{
	write_line(log, "{\"trouble\":\"%s: %s\"}\n", what, strerror(error));
}

static void fail(const struct start *start, const char *what)
{
	tell_trouble(start->failed, what, errno);
	_exit(EXIT_FAILURE);
}

/* In the child: a session of its own, as under a shell of its own; then waits to be traced. */
static void become_program(const struct start *start)
{
	char byte;

	setsid();
	if (read(start->go, &byte, 1) != 1)
		_exit(EXIT_FAILURE);
	sigprocmask(SIG_SETMASK, &start->signals, NULL);
	if (!filter_install())
		fail(start, "seccomp");
	execv(start->path, start->arguments);
	fail(start, "exec");
}

static bool start_program(struct tracer *tracer, struct start *start)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	start->go = ends[0];
	tracer->program = fork();
	if (tracer->program == 0) {
		close(ends[1]);
		become_program(start);
	}
	close(ends[0]);
	if (tracer->program < 0 || ptrace(PTRACE_SEIZE, tracer->program, NULL, OPTIONS) < 0)
		return false;
	return write(ends[1], "", 1) == 1 && close(ends[1]) == 0;
}

static void go_on(int how, pid_t thread, int signal_number)
{
	ptrace(how, thread, NULL, (long)signal_number); /* one that was killed meanwhile does not */
}

static bool is_stopping(int number)
{
	return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* What was executed has the number of the first thread, whichever did it; nothing is left of its memory. */
static void on_exec(struct tracer *tracer, struct thread *thread)
{
	unsigned long former = 0;

	thread->locks_future = false;
	if (ptrace(PTRACE_GETEVENTMSG, thread->id, NULL, &former) == 0 && (pid_t)former != thread->id)
		threads_remove(&tracer->threads, (pid_t)former);
}

static void on_stop(struct tracer *tracer, pid_t id, int status)
{
	struct thread *thread = threads_get(&tracer->threads, id);
	int event = status >> 16, number = WSTOPSIG(status);

	if (!thread) {
		tell_trouble(tracer->calls.log, "threads", ENOMEM);
		exit(EXIT_FAILURE);
	}
	if (tracer->told > 1)
		kill(thread->process, SIGKILL);
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		go_on(calls_begin(&tracer->calls, &tracer->threads, thread) ? PTRACE_SYSCALL : PTRACE_CONT, id, 0);
		return;
	case PTRACE_EVENT_STOP:
		go_on(is_stopping(number) ? PTRACE_LISTEN : PTRACE_CONT, id, 0);
		return;
	case PTRACE_EVENT_EXEC:
		on_exec(tracer, thread);
		break;
	case 0:
		if (number == AT_CALL)
			calls_end(&tracer->calls, &tracer->threads, thread);
		else
			go_on(PTRACE_CONT, id, number);
		break;
	}
	if (event || number == AT_CALL)
		go_on(PTRACE_CONT, id, 0);
}

/* An orphan that has fallen to the tracer is waited for a second time. */
static void on_end(struct tracer *tracer, pid_t id, int status)
{
	const struct thread *thread = threads_find(&tracer->threads, id);

	if (thread && thread->process == id)
		write_line(tracer->calls.log, "{\"pid\":%d,\"code\":%d,\"is_program\":%s}\n", (int)id,
			   WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
			   id == tracer->program ? "true" : "false");
	threads_remove(&tracer->threads, id);
}

/* False: there is nothing to trace any more. */
static bool take_all(struct tracer *tracer)
{
	int status;
	pid_t id;

	while ((id = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		if (WIFSTOPPED(status))
			on_stop(tracer, id, status);
		else
			on_end(tracer, id, status);
	}
	return id == 0;
}

static void trace(struct tracer *tracer, const sigset_t *signals)
{
	while (take_all(tracer)) {
		int number = sigwaitinfo(signals, NULL);

		if (number == SIGTERM)
			threads_signal(&tracer->threads, tracer->told++ ? SIGKILL : SIGTERM);
	}
}

/* The tracer's own signals are waited for. Who has started it ends it when it ends itself. */
static void prepare(struct start *start, sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	sigaddset(signals, SIGTERM);
	sigprocmask(SIG_BLOCK, signals, &start->signals);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	fcntl(start->failed, F_SETFD, FD_CLOEXEC);
}

int main(int count, char **arguments)
{
	char buffer[ROOM];
	struct text wrong = text_in(buffer, sizeof(buffer));
	struct tracer tracer = { 0 };
	struct start start;
	sigset_t signals;

	if (count < ARGUMENTS || !rules_read(arguments[2], &tracer.calls.rules, &wrong)) {
		text_close(&wrong);
		fprintf(stderr, "lockproof-tracer LOG RULES PATH ARGUMENT...\n%s\n", count < ARGUMENTS ? "" : buffer);
		return EXIT_FAILURE;
	}
	tracer.calls.log = atoi(arguments[1]);
	start = (struct start){ .path = arguments[3], .arguments = arguments + 4, .failed = tracer.calls.log };
	prepare(&start, &signals);
	if (!machine_count) {
		tell_trouble(tracer.calls.log, "this machine", ENOTSUP);
		return EXIT_FAILURE;
	}
	if (!start_program(&tracer, &start)) {
		tell_trouble(tracer.calls.log, "ptrace", errno);
		return EXIT_FAILURE;
	}
	trace(&tracer, &signals);
	return EXIT_SUCCESS;
}
