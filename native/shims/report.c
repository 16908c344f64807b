/* SPDX-License-Identifier: Apache-2.0 */

/* What posixmlock says when it could not keep its promise: docs/posixmlock.md. */
#define _GNU_SOURCE

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LONGEST = 320 };

static int channel = STDERR_FILENO;

struct message {
	char bytes[LONGEST];
	size_t used;
};

static void put(struct message *message, const char *text)
{
	while (*text && message->used < LONGEST - 1)
		message->bytes[message->used++] = *text++;
}

static void put_number(struct message *message, uintptr_t number, unsigned base)
{
	char digits[sizeof(number) * 3 + 1];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	put(message, at);
}

static void put_field(struct message *message, const char *name, uintptr_t number, unsigned base)
{
	put(message, name);
	if (base == 16)
		put(message, "0x");
	put_number(message, number, base);
}

static void begin(struct message *message, const struct made *made)
{
	message->used = 0;
	put_field(message, "posixmlock: not restored: pid=", (uintptr_t)syscall(SYS_getpid), 10);
	put(message, " call=");
	put(message, made->name);
	put_field(message, " address=", made->address, 16);
	put_field(message, " length=", made->length, 10);
	put_field(message, " errno=", (uintptr_t)made->error, 10);
}

static void send(struct message *message)
{
	const char *at = message->bytes;
	size_t left;

	put(message, "\n");
	message->bytes[message->used - 1] = '\n';
	for (left = message->used; left;) {
		long count = syscall(SYS_write, channel, at, left);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return; /* nobody listens */
		at += count;
		left -= (size_t)count;
	}
}

void report_start(void)
{
	const char *text = getenv("POSIXMLOCK_REPORT");
	int number = 0;

	if (!text || !*text)
		return;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || number > 99999)
			return;
		number = number * 10 + (*text - '0');
	}
	channel = number;
}

void report_difference(const struct made *made, struct range where, enum mode before, enum mode now)
{
	static const char *const names[] = { "not-locked", "eager", "on-fault" };
	struct message message;

	begin(&message, made);
	put_field(&message, " pages=", where.start, 16);
	put_field(&message, "-", where.end, 16);
	put(&message, " before=");
	put(&message, names[before]);
	put(&message, " now=");
	put(&message, names[now]);
	send(&message);
}

void report_trouble(const struct made *made, const char *what)
{
	struct message message;

	begin(&message, made);
	put(&message, " trouble=");
	put(&message, what);
	send(&message);
}
