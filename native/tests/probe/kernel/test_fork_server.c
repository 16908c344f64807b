/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/fork_server.h"

enum { LONG = 10000, PREPARED = 40 };

/* What processes leave behind; children share it. */
static struct seen {
	pid_t own, parent, group, server;
	int prepared;
} * seen;

static int prepared; /* the server's own, and its children's */

static bool prepare(void *argument)
{
	(void)argument;
	prepared = PREPARED;
	seen->server = getpid();
	return true;
}

static bool fail_to_prepare(void *argument)
{
	(void)argument;
	return false;
}

static void look_around(void *argument)
{
	*seen = (struct seen){ getpid(), getppid(), getpgrp(), seen->server, prepared++ };
	process_exit(*(const int *)argument);
}

static void wait_for_ever(void *argument)
{
	(void)argument;
	for (;;)
		pause();
}

static void processes_of_the_server_are_children_of_who_started_it(void **state)
{
	struct fork_server server;
	struct ending ending;
	int code = 5;
	pid_t last = 0;

	(void)state;
	fork_server_start(&server, prepare, look_around, &code);
	for (int turn = 0; turn < 20; turn++) {
		assert_true(fork_server_run(&server, LONG, &ending));
		assert_true(WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 5);
		assert_int_equal(seen->parent, getpid());
		assert_int_equal(seen->group, getpgrp());
		assert_int_equal(seen->prepared, PREPARED);
		assert_int_not_equal(seen->own, last);
		last = seen->own;
	}
	fork_server_stop(&server);
	assert_int_equal(waitpid(seen->server, NULL, 0), seen->server);
}

static void a_process_that_takes_too_long_is_ended(void **state)
{
	struct fork_server server;
	struct ending ending;

	(void)state;
	fork_server_start(&server, prepare, wait_for_ever, NULL);
	assert_true(fork_server_run(&server, 1, &ending));
	assert_true(ending.hung);
	fork_server_stop(&server);
}

static void a_server_that_could_not_prepare_has_nothing_to_give(void **state)
{
	struct fork_server server;
	struct ending ending;
	int code = 0;

	(void)state;
	fork_server_start(&server, fail_to_prepare, look_around, &code);
	assert_false(fork_server_run(&server, LONG, &ending));
	assert_false(fork_server_run(&server, LONG, &ending));
}

static void a_server_that_died_gives_the_process_that_is_ready_and_no_other(void **state)
{
	struct fork_server server;
	struct ending ending;
	int code = 0;

	(void)state;
	fork_server_start(&server, prepare, look_around, &code);
	assert_true(fork_server_run(&server, LONG, &ending));
	kill(seen->server, SIGKILL);
	assert_int_equal(waitpid(seen->server, NULL, 0), seen->server);
	while (fork_server_run(&server, LONG, &ending))
		assert_int_equal(seen->parent, getpid());
	assert_int_equal(server.socket, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_of_the_server_are_children_of_who_started_it),
		cmocka_unit_test(a_process_that_takes_too_long_is_ended),
		cmocka_unit_test(a_server_that_could_not_prepare_has_nothing_to_give),
		cmocka_unit_test(a_server_that_died_gives_the_process_that_is_ready_and_no_other),
	};

	process_prepare();
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
