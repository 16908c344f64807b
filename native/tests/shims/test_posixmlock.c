/* SPDX-License-Identifier: Apache-2.0 */

/* The wrapper in front of the running kernel; faults come through the table of what it calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "inner_calls.h"
#include "posixmlock/lock_call.h"
#include "posixmlock/observe.h"
#include "posixmlock/report.h"

enum { PAGES = 10 };

static struct inner_calls kernel;
static char *arena;
static int report[2];

static void draw(void *strip, struct address_range pages, enum mode mode)
{
	for (uintptr_t page = pages.start; page < pages.end; page += page_size())
		((char *)strip)[(page - (uintptr_t)arena) / page_size()] = ".LF?"[mode];
}

static struct address_range range_of(const char *start, size_t count)
{
	return (struct address_range){ (uintptr_t)start, (uintptr_t)start + count * page_size() };
}

/* A letter for each page of the arena, as the kernel says. */
static const char *locks(void)
{
	static char strip[PAGES + 1];

	memset(strip, '.', PAGES);
	assert_true(observe_locks(range_of(arena, PAGES), BY_SMAPS, draw, strip));
	return strip;
}

static char *page(int number)
{
	return arena + (size_t)number * page_size();
}

static size_t pages(int count)
{
	return (size_t)count * page_size();
}

static bool said_something(void)
{
	char bytes[4096];

	return read(report[0], bytes, sizeof(bytes)) > 0;
}

/* Two eager pages, one on fault, and a hole at page 7. */
static int start(void **data)
{
	(void)data;
	inner = kernel;
	munlockall();
	arena = mmap(NULL, pages(PAGES), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(arena, MAP_FAILED);
	mprotect(page(3), pages(2), PROT_READ);
	munmap(page(7), pages(1));
	assert_int_equal(mlock(page(1), pages(2)), 0);
	assert_int_equal(mlock2(page(4), pages(1), MLOCK_ONFAULT), 0);
	while (said_something())
		;
	return 0;
}

static int finish(void **data)
{
	(void)data;
	inner = kernel;
	munlockall();
	munmap(arena, pages(PAGES));
	return 0;
}

static const char as_before[] = ".LL.F.....";

static void an_mlock_that_meets_a_hole_changes_no_lock_and_no_mode(void **data)
{
	(void)data;
	assert_int_equal(mlock(arena, pages(PAGES)), -1);
	assert_int_equal(errno, ENOMEM);
	assert_string_equal(locks(), as_before);
	assert_false(said_something());
}

static void an_mlock2_that_meets_a_hole_changes_no_lock_and_no_mode(void **data)
{
	(void)data;
	assert_int_equal(mlock2(page(0) + 1, pages(PAGES) - 2, MLOCK_ONFAULT), -1);
	assert_int_equal(errno, ENOMEM);
	assert_string_equal(locks(), as_before);
}

static void a_munlock_that_meets_a_hole_changes_no_lock_and_no_mode(void **data)
{
	(void)data;
	assert_int_equal(munlock(arena, pages(PAGES)), -1);
	assert_int_equal(errno, ENOMEM);
	assert_string_equal(locks(), as_before);
}

static void a_call_that_succeeds_leaves_errno_alone(void **data)
{
	(void)data;
	errno = ERANGE;
	assert_int_equal(mlock(page(0), pages(7)), 0);
	assert_int_equal(munlock(page(0), pages(7)), 0);
	assert_int_equal(errno, ERANGE);
	assert_string_equal(locks(), "..........");
}

static void errors_of_arguments_are_the_kernels(void **data)
{
	(void)data;
	assert_int_equal(mlock2(page(0), pages(1), 64), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mlockall(0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(munlock(page(1), SIZE_MAX - pages(4)), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mlock(page(7), 0), 0);
	assert_string_equal(locks(), as_before);
}

/* Linux adds in sums that wrap: page 6 is left of this range, and can be locked, but not made resident. */
static void what_is_left_of_a_range_that_wraps_is_restored(void **data)
{
	(void)data;
	mprotect(page(6), pages(1), PROT_NONE);
	assert_int_equal(mlock(page(7) - 1, SIZE_MAX), -1);
	assert_int_equal(errno, ENOMEM);
	assert_string_equal(locks(), as_before);
}

/* Calls that fail: the nth one, before or after it is made. */

enum manner { INSTEAD, AFTERWARDS };

static struct {
	unsigned long calls, nth;
	bool from_there_on;
	enum manner manner;
	int error;
} fault;

static bool fails_now(void)
{
	fault.calls++;
	return fault.calls == fault.nth || (fault.from_there_on && fault.calls > fault.nth);
}

static int with_fault(bool fails, int result)
{
	if (!fails)
		return result;
	errno = fault.error;
	return -1;
}

#define FAILING(name, parameters, arguments)                                                                           \
	static int failing_##name parameters                                                                           \
	{                                                                                                              \
		bool fails = fails_now();                                                                              \
                                                                                                                       \
		return with_fault(fails, fails && fault.manner == INSTEAD ? -1 : kernel.name arguments);               \
	}

FAILING(mlock, (const void *address, size_t length), (address, length))
FAILING(mlock2, (const void *address, size_t length, unsigned flags), (address, length, flags))
FAILING(munlock, (const void *address, size_t length), (address, length))
FAILING(mlockall, (int flags), (flags))
FAILING(munlockall, (void), ())
FAILING(msync, (void *address, size_t length, int flags), (address, length, flags))

static void arm(unsigned long nth, enum manner manner, int error)
{
	fault.calls = 0;
	fault.nth = nth;
	fault.manner = manner;
	fault.error = error;
	inner = (struct inner_calls){ failing_mlock,	failing_mlock2,	    failing_munlock,
				      failing_mlockall, failing_munlockall, failing_msync };
}

static int lock_all_of_it(void)
{
	return mlock(page(0), pages(7));
}

static int lock_beyond_the_hole(void)
{
	return mlock(page(0), pages(PAGES));
}

/* All of it is mapped, and its last page cannot be brought in. */
static int lock_what_cannot_be_locked(void)
{
	mprotect(page(6), pages(1), PROT_NONE);
	return mlock(page(0), pages(7));
}

static int lock_on_fault_what_is_eager(void)
{
	return mlock2(page(1), pages(1), MLOCK_ONFAULT);
}

static int lock_on_fault(void)
{
	return mlock2(page(0), pages(7), MLOCK_ONFAULT);
}

static int unlock_all_of_it(void)
{
	return munlock(page(0), pages(7));
}

static int lock_everything(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT); /* a sanitizer's shadow would not fit into memory */
}

static int unlock_everything(void)
{
	return munlockall();
}

static bool is_future_locked(void)
{
	void *memory = mmap(NULL, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool locked = syscall(SYS_msync, memory, page_size(), MS_ASYNC | MS_INVALIDATE) < 0;

	munmap(memory, page_size());
	return locked;
}

/* Every inner call of a call fails in turn; what it leaves behind is all, or what was before. */
static void sweep(int (*call)(void), const char *done, enum manner manner, int error)
{
	for (unsigned long nth = 1;; nth++) {
		bool reached;
		int result;

		start(NULL);
		arm(nth, manner, error);
		result = call();
		reached = fault.calls >= nth;
		inner = kernel;
		assert_string_equal(locks(), result == 0 ? done : as_before);
		assert_false(said_something());
		if (call == lock_everything)
			assert_int_equal(is_future_locked(), result == 0);
		finish(NULL);
		if (!reached)
			break;
		assert_in_range(nth, 1, 1000); /* a sanitizer has many mappings to ask about */
	}
}

static void whichever_inner_call_fails_all_or_nothing_is_done(void **data)
{
	static const int errors[] = { ENOMEM, EAGAIN, EPERM, EINTR };
	static const struct {
		int (*call)(void);
		const char *done;
	} calls[] = {
		{ lock_all_of_it, "LLLLLLL..." },   { lock_beyond_the_hole, "" },
		{ lock_what_cannot_be_locked, "" }, { lock_on_fault_what_is_eager, ".FL.F....." },
		{ lock_on_fault, "FFFFFFF..." },    { unlock_all_of_it, ".........." },
		{ lock_everything, "FFFFFFF.FF" },  { unlock_everything, ".........." },
	};

	finish(data);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (size_t error = 0; error < sizeof(errors) / sizeof(errors[0]); error++) {
			sweep(calls[i].call, calls[i].done, INSTEAD, errors[error]);
			sweep(calls[i].call, calls[i].done, AFTERWARDS, errors[error]);
		}
	}
	start(data);
}

/* Nothing works any more from the nth inner call on: what cannot be restored then is reported. */
static void whatever_stops_working_all_or_nothing_is_done_or_it_is_reported(void **data)
{
	static int (*const calls[])(void) = { lock_all_of_it,	lock_beyond_the_hole, lock_what_cannot_be_locked,
					      lock_on_fault,	unlock_all_of_it,     lock_everything,
					      unlock_everything };
	static const char *const done[] = {
		"LLLLLLL...", "", "", "FFFFFFF...", "..........", "FFFFFFF.FF", ".........."
	};
	int reported = 0;

	finish(data);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		bool reached = true;

		for (unsigned long nth = 1; reached; nth++) {
			bool differs;
			int result;

			start(NULL);
			arm(nth, nth % 2 ? INSTEAD : AFTERWARDS, ENOMEM);
			fault.from_there_on = true;
			result = calls[i]();
			fault.from_there_on = false;
			reached = fault.calls >= nth;
			inner = kernel;
			differs = strcmp(locks(), result == 0 ? done[i] : as_before) != 0;
			if (differs) {
				assert_true(said_something());
				reported++;
			}
			finish(NULL);
		}
	}
	assert_true(reported > 0);
	start(data);
}

static void a_failed_mlockall_keeps_an_earlier_mcl_future(void **data)
{
	(void)data;
	assert_int_equal(mlockall(MCL_FUTURE | MCL_ONFAULT), 0);
	arm(1, AFTERWARDS, EAGAIN);
	inner.msync = kernel.msync;
	assert_int_equal(mlockall(MCL_CURRENT | MCL_ONFAULT), -1);
	inner = kernel;
	assert_true(is_future_locked());
	assert_string_equal(locks(), as_before);
}

static int mlock_and_nothing_more(const void *address, size_t length)
{
	int result = kernel.mlock(address, length);

	arm(1, INSTEAD, ENOMEM);
	fault.from_there_on = true;
	return result;
}

static void a_restore_that_fails_is_reported_with_what_differs(void **data)
{
	char text[4096] = { 0 }, expected[256];

	(void)data;
	inner.mlock = mlock_and_nothing_more;
	assert_int_equal(lock_what_cannot_be_locked(), -1);
	assert_int_equal(errno, ENOMEM);
	fault.from_there_on = false;
	assert_true(read(report[0], text, sizeof(text) - 1) > 0);
	snprintf(expected, sizeof(expected),
		 "posixmlock: not restored: pid=%d call=mlock address=0x%lx length=%lu errno=12 "
		 "pages=0x%lx-0x%lx before=not-locked now=eager\n",
		 getpid(), (unsigned long)arena, (unsigned long)pages(7), (unsigned long)page(0),
		 (unsigned long)page(1));
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, " before=on-fault now=eager\n"));
}

static void more_locks_than_there_is_room_for_are_refused_before_anything_is_changed(void **data)
{
	size_t count = 2 * (4096 + 1);
	char *many = mmap(NULL, pages((int)count), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)data;
	for (size_t i = 0; i < count; i += 2)
		assert_int_equal(kernel.mlock(many + i * page_size(), 1), 0);
	assert_int_equal(munlock(many, pages((int)count)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(ask_locked(range_of(many, 1)), EBUSY);
	assert_int_equal(munlock(many, pages(4096)), 0);
	munmap(many, pages((int)count));
}

static void lock_page_5(int signal)
{
	(void)signal;
	assert_int_equal(mlock(page(5), 1), 0);
	assert_int_equal(munlock(page(1), 1), 0);
}

static int mlock_with_a_signal(const void *address, size_t length)
{
	int result = kernel.mlock(address, length);

	inner.mlock = kernel.mlock;
	raise(SIGUSR1);
	return result;
}

static void what_a_signal_handler_does_inside_a_call_that_fails_stays_done(void **data)
{
	(void)data;
	signal(SIGUSR1, lock_page_5);
	inner.mlock = mlock_with_a_signal;
	assert_int_equal(lock_beyond_the_hole(), -1);
	assert_string_equal(locks(), "..L.FL....");
	assert_false(said_something());
}

static void a_child_has_none_of_what_its_parent_armed(void **data)
{
	int status;
	pid_t child;

	(void)data;
	assert_int_equal(mlockall(MCL_FUTURE), 0);
	child = fork();
	if (child == 0) {
		arm(1, AFTERWARDS, EAGAIN);
		inner.msync = kernel.msync;
		_exit(mlockall(MCL_CURRENT | MCL_ONFAULT) == -1 && !is_future_locked() ? 0 : 1);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

/* No file can be opened then. */
static struct rlimit forbid_files(void)
{
	struct rlimit found, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &found), 0);
	none = (struct rlimit){ 0, found.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return found;
}

static void without_proc_locks_and_their_modes_are_restored(void **data)
{
	struct rlimit found = forbid_files();
	int locked, unlocked;

	(void)data;
	locked = mlock(arena, pages(PAGES));
	unlocked = munlock(arena, pages(PAGES));
	setrlimit(RLIMIT_NOFILE, &found);
	assert_int_equal(locked, -1);
	assert_int_equal(unlocked, -1);
	assert_string_equal(locks(), as_before);
	assert_false(said_something());
}

static void a_long_range_is_restored_with_and_without_proc(void **data)
{
	enum { MANY = 100, HOLE = 90 };
	char *memory = mmap(NULL, pages(MANY), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)data;
	munmap(memory + pages(HOLE), page_size());
	for (int i = 0; i < HOLE; i += 3)
		assert_int_equal(kernel.mlock(memory + pages(i), 1), 0);
	for (int without = 0; without < 2; without++) {
		struct rlimit found = { RLIM_INFINITY, RLIM_INFINITY };

		if (without)
			found = forbid_files();
		assert_int_equal(munlock(memory, pages(MANY)), -1);
		assert_int_equal(mlock(memory, pages(MANY)), -1);
		if (without)
			setrlimit(RLIMIT_NOFILE, &found);
		for (int i = 0; i < HOLE; i++) {
			assert_int_equal(ask_locked(range_of(memory + pages(i), 1)), i % 3 ? 0 : EBUSY);
		}
	}
	munmap(memory, pages(MANY));
}

static void msync_and_smaps_tell_the_same(void **data)
{
	char asked[PAGES + 1] = { 0 }, read[PAGES + 1] = { 0 };

	(void)data;
	assert_int_equal(mlock(page(4), pages(1)), 0);
	assert_true(observe_locks(range_of(arena, 7), BY_MSYNC, draw, asked));
	assert_true(observe_locks(range_of(arena, 7), BY_SMAPS, draw, read));
	assert_string_equal(asked, ".??.?..");
	assert_string_equal(read, ".LL.L..");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
		TEST(an_mlock_that_meets_a_hole_changes_no_lock_and_no_mode),
		TEST(an_mlock2_that_meets_a_hole_changes_no_lock_and_no_mode),
		TEST(a_munlock_that_meets_a_hole_changes_no_lock_and_no_mode),
		TEST(a_call_that_succeeds_leaves_errno_alone),
		TEST(errors_of_arguments_are_the_kernels),
		TEST(what_is_left_of_a_range_that_wraps_is_restored),
		TEST(whichever_inner_call_fails_all_or_nothing_is_done),
		TEST(whatever_stops_working_all_or_nothing_is_done_or_it_is_reported),
		TEST(a_failed_mlockall_keeps_an_earlier_mcl_future),
		TEST(a_restore_that_fails_is_reported_with_what_differs),
		TEST(more_locks_than_there_is_room_for_are_refused_before_anything_is_changed),
		TEST(what_a_signal_handler_does_inside_a_call_that_fails_stays_done),
		TEST(a_child_has_none_of_what_its_parent_armed),
		TEST(without_proc_locks_and_their_modes_are_restored),
		TEST(a_long_range_is_restored_with_and_without_proc),
		TEST(msync_and_smaps_tell_the_same),
	};
	char number[16];

	assert_int_equal(pipe2(report, O_NONBLOCK), 0);
	snprintf(number, sizeof(number), "%d", report[1]);
	setenv("POSIXMLOCK_REPORT", number, 1);
	report_start();
	kernel = inner;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
