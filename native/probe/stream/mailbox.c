/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "stream/mailbox.h"

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where things lie, in bytes; each counter has a cache line of its own. */
enum {
	AT_MAGIC = 0,
	AT_PROGRAMS = 64,
	AT_TRACES = 256,
	AT_PROGRAM_BYTES = 256 * 1024,
	AT_TRACE_BYTES = 512 * 1024,
	STEP = 64,
};

static uint32_t load(const uint32_t *field)
{
	return le32toh(__atomic_load_n(field, __ATOMIC_ACQUIRE));
}

static void store(uint32_t *field, uint32_t value)
{
	__atomic_store_n(field, htole32(value), __ATOMIC_RELEASE);
}

size_t ring_take(const struct ring *ring, char *bytes, size_t size)
{
	uint32_t first = load(ring->taken);
	uint32_t count = load(ring->written) - first;

	if (count > size)
		count = (uint32_t)size;
	for (uint32_t i = 0; i < count; i++)
		bytes[i] = ring->bytes[(first + i) & (ring->size - 1)];
	store(ring->taken, first + count);
	return count;
}

size_t ring_put(const struct ring *ring, const char *bytes, size_t size)
{
	uint32_t first = load(ring->written);
	uint32_t room = ring->size - (first - load(ring->taken));
	uint32_t count = size < room ? (uint32_t)size : room;

	for (uint32_t i = 0; i < count; i++)
		ring->bytes[(first + i) & (ring->size - 1)] = bytes[i];
	store(ring->written, first + count);
	return count;
}

/* The fences: one side says that it waits and then looks, the other one writes and then looks whether it waits. */

bool ring_wait(const struct ring *ring)
{
	store(ring->waiting, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load(ring->written) == load(ring->taken);
}

void ring_wake(const struct ring *ring)
{
	store(ring->waiting, 0);
}

bool ring_is_awaited(const struct ring *ring)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!load(ring->waiting))
		return false;
	store(ring->waiting, 0);
	return true;
}

static struct ring ring_at(char *memory, size_t counters, size_t bytes, uint32_t size)
{
	return (struct ring){
		.written = (uint32_t *)(void *)(memory + counters),
		.taken = (uint32_t *)(void *)(memory + counters + STEP),
		.waiting = (uint32_t *)(void *)(memory + counters + 2 * STEP),
		.bytes = memory + bytes,
		.size = size,
	};
}

bool mailbox_in(struct mailbox *mailbox, void *memory)
{
	mailbox->programs = ring_at(memory, AT_PROGRAMS, AT_PROGRAM_BYTES, AT_TRACE_BYTES - AT_PROGRAM_BYTES);
	mailbox->traces = ring_at(memory, AT_TRACES, AT_TRACE_BYTES, MAILBOX_SIZE - AT_TRACE_BYTES);
	return load((uint32_t *)memory + AT_MAGIC) == MAILBOX_MAGIC;
}

static bool file_says(int folder, const char *name, const char *expected)
{
	char text[16] = "";
	int file = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t count = file < 0 ? 0 : read(file, text, sizeof(text) - 1);

	if (file >= 0)
		close(file);
	return count > 0 && strncmp(text, expected, strlen(expected)) == 0;
}

/* Without a driver nobody else has switched its memory on. */
static void enable(int folder)
{
	int file = openat(folder, "enable", O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return;
	if (write(file, "1", 1) < 0)
		perror("ivshmem: enable");
	close(file);
}

/* Write-combining where it can be had: on some architectures the other kind allows no unaligned access. */
static void *map(int folder)
{
	static const char *const names[] = { "resource2_wc", "resource2" };
	void *memory = MAP_FAILED;

	for (size_t i = 0; memory == MAP_FAILED && i < sizeof(names) / sizeof(names[0]); i++) {
		int file = openat(folder, names[i], O_RDWR | O_CLOEXEC);

		if (file < 0)
			continue;
		memory = mmap(NULL, MAILBOX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		close(file);
	}
	return memory;
}

static bool open_device(struct mailbox *mailbox, int folder)
{
	void *memory;

	if (!file_says(folder, "vendor", "0x1af4") || !file_says(folder, "device", "0x1110"))
		return false;
	enable(folder);
	memory = map(folder);
	if (memory == MAP_FAILED)
		return false;
	/* What the processes under test have mapped must not depend on the channel. */
	if (madvise(memory, MAILBOX_SIZE, MADV_DONTFORK) == 0 && mailbox_in(mailbox, memory))
		return true;
	munmap(memory, MAILBOX_SIZE);
	return false;
}

bool mailbox_open(struct mailbox *mailbox)
{
	DIR *devices = opendir("/sys/bus/pci/devices");
	const struct dirent *entry;
	bool found = false;

	while (devices && !found && (entry = readdir(devices)) != NULL) {
		int folder = entry->d_name[0] == '.' ?
				     -1 :
				     openat(dirfd(devices), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (folder < 0)
			continue;
		found = open_device(mailbox, folder);
		close(folder);
	}
	if (devices)
		closedir(devices);
	return found;
}
