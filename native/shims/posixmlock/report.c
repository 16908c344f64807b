/* SPDX-License-Identifier: Apache-2.0 */

/* What posixmlock says when it could not keep its promise: docs/posixmlock.md. */
#define _GNU_SOURCE

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "program/text.h"
#include "program/words.h"

enum { LONGEST = 320, LARGEST_DESCRIPTOR = 1 << 20 };

static int channel = STDERR_FILENO;

static void begin(struct text *line, const struct failed_call *failed)
{
	text_format(line, "posixmlock: not restored: pid=%d call=%s address=0x%lx length=%lu errno=%d",
		    (int)syscall(SYS_getpid), call_name(failed->call), (unsigned long)failed->call->address,
		    (unsigned long)failed->call->length, failed->error);
}

static void send(const struct text *line)
{
	size_t sent = 0;

	while (sent < line->used) {
		long count = syscall(SYS_write, channel, line->bytes + sent, line->used - sent);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return; /* nobody listens */
		sent += (size_t)count;
	}
}

void report_start(void)
{
	const char *text = getenv("POSIXMLOCK_REPORT");
	unsigned long number;

	if (text && word_number((struct word){ text, strlen(text) }, &number) && number <= LARGEST_DESCRIPTOR)
		channel = (int)number;
}

void report_difference(const struct failed_call *failed, struct address_range where, enum mode before, enum mode now)
{
	static const char *const names[] = { "not-locked", "eager", "on-fault", "locked" };
	char bytes[LONGEST];
	struct text line = text_in(bytes, sizeof(bytes));

	begin(&line, failed);
	text_format(&line, " pages=0x%lx-0x%lx before=%s now=%s\n", (unsigned long)where.start,
		    (unsigned long)where.end, names[before], names[now]);
	send(&line);
}

void report_trouble(const struct failed_call *failed, const char *what)
{
	char bytes[LONGEST];
	struct text line = text_in(bytes, sizeof(bytes));

	begin(&line, failed);
	text_format(&line, " trouble=%s\n", what);
	send(&line);
}
