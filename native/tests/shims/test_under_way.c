/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls inside calls, at the points where they matter: a signal handler comes
 * at an inner call of the wrapper, as another thread or a child could. No lock
 * on fault is asked for, so that calls can be alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "inner_calls.h"
#include "posixmlock/lock_call.h"
#include "posixmlock/observe.h"
#include "posixmlock/state.h"

enum { PAGES = 8, UNLOCKABLE = 7 };

static struct inner_calls kernel;
static char *arena;

static char *page(int number)
{
	return arena + (size_t)number * page_size();
}

static size_t pages(int count)
{
	return (size_t)count * page_size();
}

static const char *locks(void)
{
	static char strip[PAGES + 1];

	for (int i = 0; i < PAGES; i++) {
		struct address_range one = { (uintptr_t)page(i), (uintptr_t)page(i + 1) };

		strip[i] = ask_locked(one) == EBUSY ? 'L' : '.';
	}
	return strip;
}

/* Page 2 is locked, and the last one cannot be. */
static int start(void **data)
{
	(void)data;
	inner = kernel;
	memset(&state.under_way, 0, sizeof(state.under_way));
	arena = mmap(NULL, pages(PAGES), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(arena, MAP_FAILED);
	mprotect(page(UNLOCKABLE), pages(1), PROT_NONE);
	assert_int_equal(mlock(page(2), pages(1)), 0);
	return 0;
}

/* However a test went, nobody is inside any more, and no record is left. */
static int finish(void **data)
{
	(void)data;
	inner = kernel;
	assert_int_equal(state.under_way.word, 0);
	assert_int_equal(state.under_way.touched, 0);
	assert_int_equal(state.pool.used, 0);
	munmap(arena, pages(PAGES));
	return 0;
}

/* What comes at the next inner call of msync, or of mlock and munlock: before it, or after it. */
static void (*visitor)(void);

static void visit(int signal)
{
	int error = errno;

	(void)signal;
	visitor();
	errno = error;
}

static int msync_with_a_visitor(void *address, size_t length, int flags)
{
	int result = kernel.msync(address, length, flags);

	inner.msync = kernel.msync;
	raise(SIGUSR1);
	return result;
}

static int mlock_before_a_visitor(const void *address, size_t length)
{
	int result = kernel.mlock(address, length), error = errno;

	inner.mlock = kernel.mlock;
	raise(SIGUSR1);
	errno = error;
	return result;
}

static int mlock_after_a_visitor(const void *address, size_t length)
{
	inner.mlock = kernel.mlock;
	raise(SIGUSR1);
	return kernel.mlock(address, length);
}

static void lock_4_unlock_2(void)
{
	assert_int_equal(mlock(page(4), pages(1)), 0);
	assert_int_equal(munlock(page(2), pages(1)), 0);
}

static void fail_over_all(void)
{
	assert_int_equal(mlock(page(0), pages(PAGES)), -1);
}

static void unlock_everything(void)
{
	assert_int_equal(munlockall(), 0);
}

static void what_comes_while_a_call_looks_stays_done_when_it_fails(void **data)
{
	(void)data;
	assert_int_equal(munlock(page(2), pages(1)), 0);
	visitor = lock_4_unlock_2;
	inner.msync = msync_with_a_visitor; /* which has said that nothing is locked */
	fail_over_all();
	assert_string_equal(locks(), "....L...");
}

static void what_comes_before_the_kernel_does_stays_done_when_the_call_fails(void **data)
{
	(void)data;
	visitor = lock_4_unlock_2;
	inner.mlock = mlock_after_a_visitor;
	fail_over_all();
	assert_string_equal(locks(), "....L...");
}

static void what_comes_after_the_kernel_did_stays_done_when_the_call_fails(void **data)
{
	(void)data;
	visitor = lock_4_unlock_2;
	inner.mlock = mlock_before_a_visitor;
	fail_over_all();
	assert_string_equal(locks(), "....L...");
}

static void what_is_unlocked_with_all_else_stays_so_when_the_call_fails(void **data)
{
	(void)data;
	visitor = unlock_everything;
	inner.mlock = mlock_before_a_visitor;
	fail_over_all();
	assert_string_equal(locks(), "........");
}

static void a_call_that_fails_inside_takes_nothing_from_one_that_succeeds(void **data)
{
	(void)data;
	visitor = fail_over_all;
	inner.mlock = mlock_before_a_visitor;
	assert_int_equal(mlock(page(0), pages(6)), 0);
	assert_string_equal(locks(), "LLLLLL..");
}

static void a_call_that_fails_inside_one_that_fails_leaves_what_was_before_both(void **data)
{
	(void)data;
	visitor = fail_over_all;
	inner.mlock = mlock_before_a_visitor;
	fail_over_all();
	assert_string_equal(locks(), "..L.....");
}

static pid_t child;

static void become_two(void)
{
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* Both come back from the call; the child has none of the locks of its parent. */
static void a_child_that_is_forked_inside_a_call_ends_it_without_locks(void **data)
{
	int status, result;

	(void)data;
	visitor = become_two;
	inner.mlock = mlock_before_a_visitor;
	result = mlock(page(0), pages(PAGES));
	if (child == 0)
		_exit(result == -1 && strcmp(locks(), "........") == 0 && mlock(page(1), 1) == 0 && !finish(NULL) ? 0 :
														    1);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(result, -1);
	assert_string_equal(locks(), "..L.....");
}

static void a_child_that_is_forked_before_the_kernel_did_undoes_its_own_failure(void **data)
{
	int status, result;

	(void)data;
	visitor = become_two;
	inner.mlock = mlock_after_a_visitor;
	result = mlock(page(0), pages(PAGES));
	if (child == 0)
		_exit(result == -1 && strcmp(locks(), "........") == 0 ? 0 : 1);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_string_equal(locks(), "..L.....");
}

static sigjmp_buf outside;

static void jump_out(void)
{
	siglongjmp(outside, 1);
}

/* The call never ends: it counts as under way, and what it did as undone by whoever fails there. */
static void a_handler_that_jumps_out_of_a_call_keeps_nobody_out(void **data)
{
	(void)data;
	visitor = jump_out;
	inner.mlock = mlock_before_a_visitor;
	if (sigsetjmp(outside, 1) == 0)
		mlock(page(3), pages(1));
	assert_int_equal(mlock(page(5), pages(1)), 0);
	assert_string_equal(locks(), "..LL.L..");
	fail_over_all();
	assert_string_equal(locks(), "..L..L..");
	memset(&state.under_way, 0, sizeof(state.under_way));
	memset(&state.pool, 0, sizeof(state.pool));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
		TEST(what_comes_while_a_call_looks_stays_done_when_it_fails),
		TEST(what_comes_before_the_kernel_does_stays_done_when_the_call_fails),
		TEST(what_comes_after_the_kernel_did_stays_done_when_the_call_fails),
		TEST(what_is_unlocked_with_all_else_stays_so_when_the_call_fails),
		TEST(a_call_that_fails_inside_takes_nothing_from_one_that_succeeds),
		TEST(a_call_that_fails_inside_one_that_fails_leaves_what_was_before_both),
		TEST(a_child_that_is_forked_inside_a_call_ends_it_without_locks),
		TEST(a_child_that_is_forked_before_the_kernel_did_undoes_its_own_failure),
		TEST(a_handler_that_jumps_out_of_a_call_keeps_nobody_out),
	};

	signal(SIGUSR1, visit);
	kernel = inner;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
