/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/process.h"

enum { LONG = 10000 };

static void end_well(void *argument)
{
	(void)argument;
}

static void end_with_three(void *argument)
{
	(void)argument;
	process_exit(3);
}

static void die(void *argument)
{
	(void)argument;
	raise(SIGTERM);
}

static void wait_for_ever(void *argument)
{
	(void)argument;
	for (;;)
		pause();
}

static void it_is_told_how_a_child_ended(void **state)
{
	struct ending ending;

	(void)state;
	ending = process_run(end_well, NULL, LONG);
	assert_true(!ending.error && !ending.hung && WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0);
	ending = process_run(end_with_three, NULL, LONG);
	assert_true(WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 3);
	ending = process_run(die, NULL, LONG);
	assert_true(!ending.hung && WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGTERM);
	ending = process_run(wait_for_ever, NULL, 1);
	assert_true(ending.hung);
}

/* Runs `body` in a child of a child. */
static void follow(void *body)
{
	long child = process_fork();

	if (child == 0) {
		(*(void (**)(void *))body)(NULL);
		process_exit(0);
	}
	process_die_like(process_wait((pid_t)child));
	process_exit(7);
}

static int status_of_follower(void (*body)(void *argument))
{
	return process_run(follow, &body, LONG).status;
}

static void a_parent_ends_like_a_child_that_did_not_end_well(void **state)
{
	int status;

	(void)state;
	status = status_of_follower(die);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	status = status_of_follower(end_with_three);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	status = status_of_follower(end_well);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_told_how_a_child_ended),
		cmocka_unit_test(a_parent_ends_like_a_child_that_did_not_end_well),
	};

	process_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
