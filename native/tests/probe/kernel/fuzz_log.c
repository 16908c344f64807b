/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes can come out of the kernel's log, a record ended by a zero byte:
 * texts are cut to their room, and a report of a fault that was asked for ends.
 */
#define _GNU_SOURCE /* O_DIRECT */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/log.h"

enum { ROOM = 80, LONGEST_REPORT = 100, LONGEST_RECORD = 4096 /* of a pipe that keeps records apart */ };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_text(const char *text)
{
	size_t length = strnlen(text, ROOM);

	require(length < ROOM);
	require(!memchr(text, '\n', length));
	require(!length || (*text != ' ' && *text != '\t'));
	require(!length || (text[length - 1] != ' ' && text[length - 1] != '\t'));
}

static void check_function(const struct fault_report *report, const char *text)
{
	const char *name = NULL;
	size_t length = fault_report_function(report, text, &name);

	require(!length || (name >= text && name + length <= text + strlen(text)));
	require(!length || (!memchr(name, ' ', length) && !memchr(name, '+', length)));
}

static void read_records(struct kernel_log *log, struct fault_report *report)
{
	char text[ROOM];

	while (kernel_log_next(log, text, sizeof(text))) {
		check_text(text);
		fault_report_has(report, text);
		check_function(report, text);
	}
}

/* A report that goes on for ever would hide what is found out later. */
static void check_end(struct fault_report *report)
{
	int records = 0;

	while (fault_report_has(report, "ABC: 1234"))
		require(++records <= LONGEST_REPORT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault_report report = { 0 };
	struct kernel_log log = { 0 };
	int ends[2];

	if (size && data[0] & 1)
		fault_report_lost(&report);
	require(pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) == 0);
	log.file = ends[0];
	for (size_t at = 1; at < size;) {
		size_t length = strnlen((const char *)data + at, size - at);

		if (length && length <= LONGEST_RECORD)
			require(write(ends[1], data + at, length) == (ssize_t)length);
		read_records(&log, &report);
		at += length + 1;
	}
	close(ends[0]);
	close(ends[1]);
	check_end(&report);
	return 0;
}
