/* SPDX-License-Identifier: Apache-2.0 */

/* What posixmlock says when it could not keep its promise: docs/posixmlock.md. */
#define _GNU_SOURCE

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "program/text.h"
#include "program/words.h"
#include "state.h"

#ifndef SYS_ppoll
#define SYS_ppoll SYS_ppoll_time64
#endif
#ifndef SYS_rt_sigtimedwait
#define SYS_rt_sigtimedwait SYS_rt_sigtimedwait_time64
#endif

enum { LARGEST_DESCRIPTOR = 1 << 20 };

/* All zero where there is no file, or the kernel does not tell. */
struct identity {
	uint64_t inode;
	uint32_t major, minor;
};

static int channel = STDERR_FILENO;
static struct identity expected;

static struct identity identify(int file)
{
	const struct statx *found = &state.file;

	if (syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_INO, found) < 0)
		return (struct identity){ 0 };
	return (struct identity){ found->stx_ino, found->stx_dev_major, found->stx_dev_minor };
}

/* A pipe or a terminal that is full would keep the program waiting. */
static bool takes_more(void)
{
	static const uint64_t at_once[2];
	struct identity now = identify(channel);
	struct pollfd file = { .fd = channel, .events = POLLOUT };

	return now.inode == expected.inode && now.major == expected.major && now.minor == expected.minor &&
	       syscall(SYS_ppoll, &file, 1, at_once, NULL, sizeof(uint64_t)) == 1 && (file.revents & POLLOUT);
}

static uint64_t pending(uint64_t signals)
{
	uint64_t found = 0;

	syscall(SYS_rt_sigpending, &found, sizeof(found));
	return found & signals;
}

/* What a write says by a signal it says by its errno as well. In the section that signal waits, and is taken back. */
static void send(const struct text *line)
{
	static const uint64_t at_once[2];
	uint64_t signals = UINT64_C(1) << (SIGPIPE - 1) | UINT64_C(1) << (SIGXFSZ - 1);
	size_t sent = 0;

	signals &= ~pending(signals);
	while (sent < line->used && takes_more()) {
		long count = syscall(SYS_write, channel, line->bytes + sent, line->used - sent);

		if (count <= 0)
			break;
		sent += (size_t)count;
	}
	if (pending(signals))
		syscall(SYS_rt_sigtimedwait, &signals, NULL, at_once, sizeof(signals));
}

static struct text begin(const struct failed_call *failed)
{
	struct text line = text_in(state.line, sizeof(state.line));

	text_format(&line, "posixmlock: not restored: pid=%d call=%s address=0x%lx length=%lu errno=%d",
		    (int)syscall(SYS_getpid), call_name(failed->call), (unsigned long)failed->call->address,
		    (unsigned long)failed->call->length, failed->error);
	return line;
}

void report_start(void)
{
	const char *text = getenv("POSIXMLOCK_REPORT");
	unsigned long number;

	if (text && word_number((struct word){ text, strlen(text) }, &number) && number <= LARGEST_DESCRIPTOR)
		channel = (int)number;
	expected = identify(channel);
}

void report_difference(const struct failed_call *failed, struct address_range where, enum mode before, enum mode now)
{
	static const char *const names[] = { "not-locked", "eager", "on-fault", "locked" };
	struct text line = begin(failed);

	text_format(&line, " pages=0x%lx-0x%lx before=%s now=%s\n", (unsigned long)where.start,
		    (unsigned long)where.end, names[before], names[now]);
	send(&line);
}

void report_trouble(const struct failed_call *failed, const char *what)
{
	struct text line = begin(failed);

	text_format(&line, " trouble=%s\n", what);
	send(&line);
}
