/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Something cannot be restored, as nothing can be unlocked any more, and has to
 * be reported. No signal comes of it, nothing waits, and nothing is written to
 * a file that is not the one that standard error was at the start.
 */
#include "attack.h"

static void in_child(const char *what, void (*prepare)(void))
{
	pid_t child = fork();

	if (child == 0) {
		char *memory = map(4);

		mprotect(memory + 3 * PAGE, PAGE, PROT_NONE);
		prepare();
		if (!refuse(SYS_munlock, -1, EPERM))
			_exit(CANNOT_BE_TRIED);
		alarm(20);
		_exit(mlock(memory, 4 * PAGE) == -1 && errno == ENOMEM ? 0 : 1);
	}
	join(child);
	check(what, "kept", broken ? "broken" : "kept");
}

static void nothing(void)
{
}

static void send_to_nobody(void)
{
	int ends[2];

	if (pipe(ends) == 0) {
		close(ends[0]);
		dup2(ends[1], STDERR_FILENO);
	}
}

static void send_to_a_full_pipe(void)
{
	int ends[2];
	char bytes[4096] = { 0 };

	if (pipe(ends) || fcntl(ends[1], F_SETFL, O_NONBLOCK))
		_exit(1);
	while (write(ends[1], bytes, sizeof(bytes)) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
	dup2(ends[1], STDERR_FILENO);
}

static int file;

static void send_to_another_file(void)
{
	close(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
}

static void send_to_a_file_that_is_full(void)
{
	struct rlimit none = { 0, 0 };

	send_to_another_file();
	setrlimit(RLIMIT_FSIZE, &none);
}

/* Here descriptor 2 is the same file, a pipe, from the start of the program on. */
static void fill_own_pipe(void)
{
	char bytes[4096] = { 0 };

	fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
	while (write(STDERR_FILENO, bytes, sizeof(bytes)) > 0)
		;
	fcntl(STDERR_FILENO, F_SETFL, 0);
}

static void close_own_pipe(void)
{
	close(3);
}

/* Again, with a pipe as standard error whose other end is descriptor 3. */
static void run_with_a_pipe(char *program)
{
	int ends[2];
	pid_t child = fork();

	if (child == 0) {
		if (pipe(ends) || dup2(ends[1], STDERR_FILENO) < 0 || dup2(ends[0], 3) < 0)
			_exit(1);
		if (ends[0] != 3)
			close(ends[0]);
		close(ends[1]);
		execl("/proc/self/exe", program, "pipe", NULL);
		_exit(1);
	}
	join(child);
}

int main(int count, char **arguments)
{
	if (count > 1) {
		char text[4096] = { 0 };

		in_child("a report", nothing);
		check("a report", "written",
		      read(3, text, sizeof(text) - 1) > 0 && strstr(text, "posixmlock: ") ? "written" : "lost");
		in_child("a full pipe from the start on", fill_own_pipe);
		in_child("a pipe that nobody reads from the start on", close_own_pipe);
		return broken;
	}
	run_with_a_pipe(arguments[0]);
	file = fileno(tmpfile());
	in_child("a pipe that nobody reads", send_to_nobody);
	in_child("a full pipe", send_to_a_full_pipe);
	in_child("another file", send_to_another_file);
	in_child("a file that is full", send_to_a_file_that_is_full);
	check("another file", "empty", lseek(file, 0, SEEK_END) == 0 ? "empty" : "written to");
	return broken;
}
