/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "stream/channel.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char doorbell = '\a';

static size_t read_file(int file, char *bytes, size_t size)
{
	ssize_t count;

	do {
		count = read(file, bytes, size);
	} while (count < 0 && errno == EINTR);
	return count > 0 ? (size_t)count : 0;
}

static bool write_file(int file, const char *bytes, size_t size)
{
	ssize_t count;

	while (size) {
		count = write(file, bytes, size);
		if (count < 0 && errno != EINTR)
			return false;
		if (count > 0) {
			bytes += count;
			size -= (size_t)count;
		}
	}
	return true;
}

/* How often the bell was rung makes no difference. */
static size_t read_mailbox(const struct channel *channel, char *bytes, size_t size)
{
	const struct ring *ring = &channel->mailbox.programs;
	char rings[256];
	size_t count;

	while ((count = ring_take(ring, bytes, size)) == 0) {
		if (ring_wait(ring) && !read_file(channel->in, rings, sizeof(rings)))
			return 0;
		ring_wake(ring);
	}
	return count;
}

/* A full ring is rare: a trace is seldom longer than a few kilobytes. */
static bool write_mailbox(const struct channel *channel, const char *bytes, size_t size)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	const struct ring *ring = &channel->mailbox.traces;
	size_t count;

	for (;;) {
		count = ring_put(ring, bytes, size);
		if (count && ring_is_awaited(ring) && !write_file(channel->out, &doorbell, 1))
			return false;
		bytes += count;
		size -= count;
		if (!size)
			return true;
		nanosleep(&pause, NULL);
	}
}

size_t channel_read(struct channel *channel, char *bytes, size_t size)
{
	const char *end;
	size_t count;

	if (channel->has_ended)
		return 0;
	count = channel->has_mailbox ? read_mailbox(channel, bytes, size) : read_file(channel->in, bytes, size);
	end = channel->is_terminal && count ? memchr(bytes, END_OF_TRANSMISSION, count) : NULL;
	channel->has_ended = !count || end;
	return end ? (size_t)(end - bytes) : count;
}

bool channel_write(const struct channel *channel, const char *bytes, size_t size)
{
	return channel->has_mailbox ? write_mailbox(channel, bytes, size) : write_file(channel->out, bytes, size);
}
