/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_STREAM_MAILBOX_H
#define LOCKPROOF_STREAM_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory that a guest shares with its host (QEMU's ivshmem-plain), for the
 * bytes that would take 10 us each on an emulated serial port. One ring of
 * bytes leads in each direction. A doorbell beside the memory wakes up the
 * side that waits; runners/mailbox.py is the other side.
 */
enum {
	MAILBOX_MAGIC = 0x424d504c, /* "LPMB" */
	MAILBOX_SIZE = 1 << 20,
};

/* All counters are little-endian and run through; their difference is what lies in the ring. */
struct ring {
	uint32_t *written, *taken;
	uint32_t *waiting; /* by whom it is read: nonzero while only the doorbell wakes it up */
	volatile char *bytes;
	uint32_t size; /* a power of two */
};

struct mailbox {
	struct ring programs, traces;
};

/* Finds the memory of this guest. False: there is none, or it cannot be mapped. Children do not inherit it. */
bool mailbox_open(struct mailbox *mailbox);

/* The same in memory that is there already. */
bool mailbox_in(struct mailbox *mailbox, void *memory);

/* Takes what there is, up to `size` bytes; 0: nothing now. */
size_t ring_take(const struct ring *ring, char *bytes, size_t size);

/* Writes what there is room for. */
size_t ring_put(const struct ring *ring, const char *bytes, size_t size);

/* To be said before waiting for the doorbell; false: there is something to take after all. */
bool ring_wait(const struct ring *ring);

/* To be said after the wait. */
void ring_wake(const struct ring *ring);

/* Whether the reader waits for the doorbell, which is to be rung once then. */
bool ring_is_awaited(const struct ring *ring);

#endif
