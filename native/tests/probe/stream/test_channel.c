/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "stream/channel.h"

/* Seconds after which a process that plays the host gives up. */
enum { LIMIT = 60 };

static struct channel channel;
static int to_channel, from_channel; /* the host's ends; -1: closed */
static char *shared;

/* A new channel on two pipes. */
static int start(void **state)
{
	int in[2], out[2];

	(void)state;
	if (pipe(in) || pipe(out))
		return -1;
	channel = (struct channel){ .in = in[0], .out = out[1] };
	to_channel = in[1];
	from_channel = out[0];
	return 0;
}

/* The same, with a mailbox; its host waits for traces. */
static int start_mailbox(void **state)
{
	shared = mmap(NULL, MAILBOX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || start(state))
		return -1;
	memcpy(shared, "LPMB", 4);
	channel.is_terminal = true;
	channel.has_mailbox = mailbox_in(&channel.mailbox, shared);
	*channel.mailbox.traces.waiting = htole32(1);
	return channel.has_mailbox ? 0 : -1;
}

static void close_once(int *file)
{
	if (*file >= 0)
		close(*file);
	*file = -1;
}

static int finish(void **state)
{
	(void)state;
	close_once(&to_channel);
	close_once(&from_channel);
	close_once(&channel.in);
	close_once(&channel.out);
	if (shared)
		munmap(shared, MAILBOX_SIZE);
	shared = NULL;
	return 0;
}

static void sends(const char *text)
{
	assert_int_equal(write(to_channel, text, strlen(text)), strlen(text));
}

static void puts_into_mailbox(const char *text)
{
	assert_int_equal(ring_put(&channel.mailbox.programs, text, strlen(text)), strlen(text));
}

static void assert_reads(const char *expected)
{
	char bytes[64];

	assert_int_equal(channel_read(&channel, bytes, sizeof(bytes)), strlen(expected));
	assert_memory_equal(bytes, expected, strlen(expected));
}

/* What has been written so far, and nothing more. */
static void assert_written(const char *expected)
{
	char bytes[64];
	ssize_t count;

	close_once(&channel.out);
	count = read(from_channel, bytes, sizeof(bytes));
	assert_int_equal(count, strlen(expected));
	assert_memory_equal(bytes, expected, strlen(expected));
}

static void a_file_is_read_to_its_end(void **state)
{
	(void)state;
	sends("ab\004c");
	assert_reads("ab\004c");
	close_once(&to_channel);
	assert_reads("");
	assert_true(channel.has_ended);
	assert_reads("");
}

static void no_more_is_read_than_there_is_room_for(void **state)
{
	char bytes[3];

	(void)state;
	sends("abcd");
	assert_int_equal(channel_read(&channel, bytes, 3), 3);
	assert_memory_equal(bytes, "abc", 3);
	assert_reads("d");
}

static void a_file_that_cannot_be_read_has_ended(void **state)
{
	(void)state;
	close_once(&channel.in);
	assert_reads("");
	assert_true(channel.has_ended);
}

static void the_input_of_a_terminal_ends_with_a_byte(void **state)
{
	(void)state;
	channel.is_terminal = true;
	sends("ab");
	assert_reads("ab");
	assert_false(channel.has_ended);
	sends("cd\004ef");
	assert_reads("cd");
	assert_reads("");
	sends("gh");
	assert_reads("");
}

static void the_end_of_a_terminals_input_may_come_alone(void **state)
{
	(void)state;
	channel.is_terminal = true;
	sends("\004");
	assert_reads("");
	assert_true(channel.has_ended);
}

static void a_file_is_written_as_it_is(void **state)
{
	(void)state;
	assert_true(channel_write(&channel, "ab\004", 3));
	assert_true(channel_write(&channel, "", 0));
	assert_true(channel_write(&channel, "c", 1));
	assert_written("ab\004c");
}

static void an_output_that_nobody_reads_is_broken(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	close_once(&from_channel);
	assert_false(channel_write(&channel, "a", 1));
}

static void do_nothing(int number)
{
	(void)number;
}

/* Its handler does not restart what it interrupts. */
static pid_t interrupted_by_a_child(void)
{
	const struct sigaction action = { .sa_handler = do_nothing };
	const struct timespec moment = { .tv_nsec = 5000000 };
	pid_t parent = getpid(), child;

	sigaction(SIGUSR1, &action, NULL);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 5; i++) {
			nanosleep(&moment, NULL);
			kill(parent, SIGUSR1);
		}
		_exit(write(to_channel, "late", 4) == 4 ? 0 : 1);
	}
	return child;
}

static void a_signal_does_not_end_the_input(void **state)
{
	pid_t child = interrupted_by_a_child();

	(void)state;
	assert_reads("late");
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void what_lies_in_the_mailbox_is_read_without_a_doorbell(void **state)
{
	(void)state;
	puts_into_mailbox("ab");
	assert_reads("ab");
	assert_int_equal(*channel.mailbox.programs.waiting, 0);
}

static void an_empty_mailbox_is_waited_for_until_the_doorbell_rings(void **state)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	pid_t host = fork();

	(void)state;
	if (host == 0) {
		alarm(LIMIT);
		while (!ring_is_awaited(&channel.mailbox.programs))
			nanosleep(&moment, NULL);
		ring_put(&channel.mailbox.programs, "ab", 2);
		_exit(write(to_channel, "\a", 1) == 1 ? 0 : 1);
	}
	assert_reads("ab");
	assert_int_equal(*channel.mailbox.programs.waiting, 0);
	assert_int_equal(waitpid(host, NULL, 0), host);
}

static void after_the_doorbell_nobody_waits(void **state)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	const struct ring *programs = &channel.mailbox.programs;
	pid_t host = fork();

	(void)state;
	if (host == 0) {
		alarm(LIMIT);
		while (!__atomic_load_n(programs->waiting, __ATOMIC_ACQUIRE))
			nanosleep(&moment, NULL);
		ring_put(programs, "ab", 2);
		_exit(write(to_channel, "\a", 1) == 1 ? 0 : 1);
	}
	assert_reads("ab");
	assert_int_equal(*programs->waiting, 0);
	assert_int_equal(waitpid(host, NULL, 0), host);
}

static void a_doorbell_without_anything_in_the_mailbox_is_no_input(void **state)
{
	(void)state;
	sends("\a\a\a");
	close_once(&to_channel);
	assert_reads("");
	assert_true(channel.has_ended);
}

static void bytes_beside_the_mailbox_are_but_doorbells(void **state)
{
	(void)state;
	sends("xyz\004");
	puts_into_mailbox("ab");
	assert_reads("ab");
	assert_false(channel.has_ended);
}

static void the_input_in_a_mailbox_ends_with_the_same_byte(void **state)
{
	(void)state;
	puts_into_mailbox("ab\004cd");
	assert_reads("ab");
	assert_reads("");
}

static void what_is_written_lies_in_the_mailbox_and_the_doorbell_is_rung_once(void **state)
{
	char bytes[16];

	(void)state;
	assert_true(channel_write(&channel, "ab", 2));
	assert_true(channel_write(&channel, "cd", 2));
	assert_int_equal(ring_take(&channel.mailbox.traces, bytes, sizeof(bytes)), 4);
	assert_memory_equal(bytes, "abcd", 4);
	assert_written("\a");
}

static void a_host_that_does_not_wait_hears_no_doorbell(void **state)
{
	(void)state;
	ring_wake(&channel.mailbox.traces);
	assert_true(channel_write(&channel, "ab", 2));
	assert_written("");
}

static void nothing_is_no_reason_to_ring(void **state)
{
	(void)state;
	assert_true(channel_write(&channel, "", 0));
	assert_written("");
}

static void a_doorbell_that_cannot_be_rung_is_a_broken_output(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	close_once(&from_channel);
	assert_false(channel_write(&channel, "ab", 2));
}

enum { MUCH = 3 * MAILBOX_SIZE };

static void takes_much(void)
{
	static char bytes[4096];
	size_t all = 0, count;

	alarm(LIMIT);
	while (all < MUCH) {
		count = ring_take(&channel.mailbox.traces, bytes, sizeof(bytes));
		for (size_t i = 0; i < count; i++)
			if (bytes[i] != (char)((all + i) % 251))
				_exit(1);
		all += count;
	}
	_exit(ring_wait(&channel.mailbox.traces) ? 0 : 2);
}

static void what_is_longer_than_the_mailbox_goes_through_it(void **state)
{
	static char bytes[MUCH];
	int status = -1;
	pid_t host;

	(void)state;
	for (size_t i = 0; i < MUCH; i++)
		bytes[i] = (char)(i % 251);
	host = fork();
	if (host == 0)
		takes_much();
	assert_true(channel_write(&channel, bytes, MUCH));
	assert_int_equal(waitpid(host, &status, 0), host);
	assert_int_equal(status, 0);
}

#define on_files(test) cmocka_unit_test_setup_teardown(test, start, finish)
#define on_mailbox(test) cmocka_unit_test_setup_teardown(test, start_mailbox, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_files(a_file_is_read_to_its_end),
		on_files(no_more_is_read_than_there_is_room_for),
		on_files(a_file_that_cannot_be_read_has_ended),
		on_files(the_input_of_a_terminal_ends_with_a_byte),
		on_files(the_end_of_a_terminals_input_may_come_alone),
		on_files(a_file_is_written_as_it_is),
		on_files(an_output_that_nobody_reads_is_broken),
		on_files(a_signal_does_not_end_the_input),
		on_mailbox(what_lies_in_the_mailbox_is_read_without_a_doorbell),
		on_mailbox(an_empty_mailbox_is_waited_for_until_the_doorbell_rings),
		on_mailbox(after_the_doorbell_nobody_waits),
		on_mailbox(a_doorbell_without_anything_in_the_mailbox_is_no_input),
		on_mailbox(bytes_beside_the_mailbox_are_but_doorbells),
		on_mailbox(the_input_in_a_mailbox_ends_with_the_same_byte),
		on_mailbox(what_is_written_lies_in_the_mailbox_and_the_doorbell_is_rung_once),
		on_mailbox(a_host_that_does_not_wait_hears_no_doorbell),
		on_mailbox(nothing_is_no_reason_to_ring),
		on_mailbox(a_doorbell_that_cannot_be_rung_is_a_broken_output),
		on_mailbox(what_is_longer_than_the_mailbox_goes_through_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
