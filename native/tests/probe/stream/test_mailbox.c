/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/mailbox.h"

enum { SIZE = 16 };

/* A small ring, so that its end is met often. */
static struct {
	uint32_t written, taken, waiting;
	char bytes[SIZE + 1]; /* the last one is beyond the ring */
} memory;

static const struct ring ring = {
	.written = &memory.written,
	.taken = &memory.taken,
	.waiting = &memory.waiting,
	.bytes = memory.bytes,
	.size = SIZE,
};

/* An empty ring whose counters have run so far. */
static void start(uint32_t count)
{
	memset(&memory, 0, sizeof(memory));
	memory.written = memory.taken = htole32(count);
	memory.bytes[SIZE] = '!';
}

static void assert_takes(size_t size, const char *expected)
{
	char bytes[2 * SIZE];

	assert_int_equal(ring_take(&ring, bytes, size), strlen(expected));
	assert_memory_equal(bytes, expected, strlen(expected));
}

static void bytes_come_out_in_the_order_in_which_they_went_in(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(ring_put(&ring, "abc", 3), 3);
	assert_int_equal(ring_put(&ring, "de", 2), 2);
	assert_takes(SIZE, "abcde");
	assert_takes(SIZE, "");
}

static void as_much_is_taken_as_there_is_room_for(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(ring_put(&ring, "abcde", 5), 5);
	assert_takes(0, "");
	assert_takes(2, "ab");
	assert_takes(2, "cd");
	assert_takes(2, "e");
}

static void as_much_is_put_as_there_is_room_for(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(ring_put(&ring, "0123456789", 10), 10);
	assert_int_equal(ring_put(&ring, "abcdefghij", 10), SIZE - 10);
	assert_int_equal(ring_put(&ring, "x", 1), 0);
	assert_takes(4, "0123");
	assert_int_equal(ring_put(&ring, "ABCDE", 5), 4);
	assert_takes(SIZE, "456789abcdefABCD");
	assert_int_equal(memory.bytes[SIZE], '!');
}

/* Whatever the pieces are, also where a piece passes the end of the ring or the counters pass 2^32. */
static void pieces_of_any_size_pass_unchanged_from_any_count(void **state)
{
	static const uint32_t counts[] = {
		0, 1, SIZE - 1, 0x7ffffff8, UINT32_MAX - 2 * SIZE, UINT32_MAX - 3, UINT32_MAX
	};
	char sent = 0, expected = 0;
	char bytes[SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		start(counts[i]);
		sent = expected = 0;
		for (size_t piece = 0; piece < 1000; piece++) {
			size_t count = piece * 7 % (SIZE + 1);

			for (size_t k = 0; k < count; k++)
				bytes[k] = (char)(sent + (char)k);
			sent = (char)(sent + (char)ring_put(&ring, bytes, count));
			count = ring_take(&ring, bytes, piece * 5 % (SIZE + 1));
			for (size_t k = 0; k < count; k++, expected++)
				assert_int_equal(bytes[k], expected);
		}
		assert_int_equal((char)(sent - expected), (char)(le32toh(memory.written) - le32toh(memory.taken)));
		assert_int_equal(memory.bytes[SIZE], '!');
	}
}

static void a_full_ring_whose_counter_has_wrapped_takes_no_more(void **state)
{
	(void)state;
	start(UINT32_MAX - 4);
	assert_int_equal(ring_put(&ring, "0123456789abcdefg", SIZE + 1), SIZE);
	assert_int_equal(le32toh(memory.written), SIZE - 5);
	assert_int_equal(ring_put(&ring, "x", 1), 0);
	assert_takes(SIZE, "0123456789abcdef");
	assert_int_equal(ring_put(&ring, "x", 1), 1);
}

static void who_waits_is_woken_up_once(void **state)
{
	(void)state;
	start(0);
	assert_false(ring_is_awaited(&ring));
	assert_true(ring_wait(&ring));
	assert_int_equal(le32toh(memory.waiting), 1);
	assert_true(ring_is_awaited(&ring));
	assert_false(ring_is_awaited(&ring));
}

static void who_does_not_wait_any_more_is_not_woken_up(void **state)
{
	(void)state;
	start(0);
	assert_true(ring_wait(&ring));
	ring_wake(&ring);
	assert_int_equal(memory.waiting, 0);
	assert_false(ring_is_awaited(&ring));
}

static void who_wants_to_wait_is_told_of_what_came_meanwhile(void **state)
{
	(void)state;
	start(UINT32_MAX);
	assert_int_equal(ring_put(&ring, "a", 1), 1);
	assert_false(ring_wait(&ring));
	ring_wake(&ring);
	assert_takes(SIZE, "a");
	assert_true(ring_wait(&ring));
}

static const char *little(uint32_t value)
{
	static char bytes[4];

	for (size_t i = 0; i < 4; i++)
		bytes[i] = (char)(value >> 8 * i & 0xff);
	return bytes;
}

/* runners/mailbox.py has the same numbers. */
static void everything_lies_where_the_host_looks_for_it(void **state)
{
	_Alignas(4) static char shared[MAILBOX_SIZE];
	struct mailbox mailbox;

	(void)state;
	memcpy(shared, "LPMB", 4);
	assert_true(mailbox_in(&mailbox, shared));

	memcpy(shared + 256 * 1024, "program", 7);
	memcpy(shared + 64, little(7), 4);
	char bytes[16];
	assert_int_equal(ring_take(&mailbox.programs, bytes, sizeof(bytes)), 7);
	assert_memory_equal(bytes, "program", 7);
	assert_memory_equal(shared + 128, little(7), 4);
	assert_true(ring_wait(&mailbox.programs));
	assert_memory_equal(shared + 192, little(1), 4);

	assert_int_equal(ring_put(&mailbox.traces, "trace", 5), 5);
	assert_memory_equal(shared + 512 * 1024, "trace", 5);
	assert_memory_equal(shared + 256, little(5), 4);
	assert_memory_equal(shared + 320, little(0), 4);
	memcpy(shared + 384, little(1), 4);
	assert_true(ring_is_awaited(&mailbox.traces));
	assert_memory_equal(shared + 384, little(0), 4);
}

static void each_ring_ends_where_the_next_thing_begins(void **state)
{
	static uint32_t shared[MAILBOX_SIZE / 4 + 1];
	static char much[MAILBOX_SIZE];
	struct mailbox mailbox;

	(void)state;
	mailbox_in(&mailbox, shared);
	assert_int_equal(ring_put(&mailbox.programs, much, sizeof(much)), 256 * 1024);
	assert_int_equal(ring_put(&mailbox.traces, much, sizeof(much)), 512 * 1024);
	memset(much, 'x', sizeof(much));
	shared[512 * 1024 / 4] = 7;
	*mailbox.programs.taken = htole32(1);
	assert_int_equal(ring_put(&mailbox.programs, much, sizeof(much)), 1);
	assert_int_equal(shared[512 * 1024 / 4], 7);
	assert_int_equal(shared[MAILBOX_SIZE / 4], 0);
}

static void memory_without_the_magic_number_is_no_mailbox(void **state)
{
	static uint32_t shared[MAILBOX_SIZE / 4];
	struct mailbox mailbox;

	(void)state;
	assert_false(mailbox_in(&mailbox, shared));
	shared[0] = htole32(MAILBOX_MAGIC) ^ 1;
	assert_false(mailbox_in(&mailbox, shared));
	shared[0] = htole32(MAILBOX_MAGIC);
	assert_true(mailbox_in(&mailbox, shared));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_in_the_order_in_which_they_went_in),
		cmocka_unit_test(as_much_is_taken_as_there_is_room_for),
		cmocka_unit_test(as_much_is_put_as_there_is_room_for),
		cmocka_unit_test(pieces_of_any_size_pass_unchanged_from_any_count),
		cmocka_unit_test(a_full_ring_whose_counter_has_wrapped_takes_no_more),
		cmocka_unit_test(who_waits_is_woken_up_once),
		cmocka_unit_test(who_does_not_wait_any_more_is_not_woken_up),
		cmocka_unit_test(who_wants_to_wait_is_told_of_what_came_meanwhile),
		cmocka_unit_test(everything_lies_where_the_host_looks_for_it),
		cmocka_unit_test(each_ring_ends_where_the_next_thing_begins),
		cmocka_unit_test(memory_without_the_magic_number_is_no_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
