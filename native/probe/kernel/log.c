/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	LONGEST_RECORD = 8192, /* what the kernel gives at most */
	LONGEST_REPORT = 100,  /* records; a longer one has lost its end */
};

void kernel_log_start(struct kernel_log *log)
{
	log->lost = false;
	log->file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	kernel_log_skip(log);
}

void kernel_log_skip(const struct kernel_log *log)
{
	if (log->file >= 0)
		lseek(log->file, 0, SEEK_END);
}

static bool is_blank_or_end(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\0';
}

/* Without the lines of a dictionary that follow the text, and without blanks at both ends. */
static void copy_text(const char *record, char *text, size_t size)
{
	size_t length;

	record += strspn(record, " \t");
	length = strcspn(record, "\n");
	if (length > size - 1)
		length = size - 1;
	while (length && is_blank_or_end(record[length - 1]))
		length--;
	memcpy(text, record, length);
	text[length] = '\0';
}

/* EPIPE: the kernel has overwritten what comes next; reading goes on with what there is. */
bool kernel_log_next(struct kernel_log *log, char *text, size_t size)
{
	char record[LONGEST_RECORD + 1];
	const char *start;
	ssize_t count;

	if (log->file < 0)
		return false;
	do {
		count = read(log->file, record, LONGEST_RECORD);
		log->lost |= count < 0 && errno == EPIPE;
	} while (count < 0 && (errno == EPIPE || errno == EINTR));
	if (count <= 0)
		return false;
	record[count] = '\0';
	start = strchr(record, ';');
	copy_text(start ? start + 1 : record, text, size);
	return true;
}

/* "vm_area_dup+0x1a/0x90", of which an unsure unwinder says "? " before it. */
static bool is_trace_line(const char *text)
{
	const char *offset;

	if (strncmp(text, "? ", 2) == 0)
		text += 2;
	offset = strstr(text, "+0x");
	return offset && offset != text && strstr(offset, "/0x") && !memchr(text, ' ', (size_t)(offset - text));
}

/* Where the trace is not marked, it ends with the first line that is none of it. */
static bool is_in_trace(struct fault_report *report, const char *text)
{
	if (strcmp(text, "<TASK>") == 0)
		report->part = REPORT_MARKED_TRACE;
	else if (!is_trace_line(text))
		report->part = REPORT_NONE;
	return report->part != REPORT_NONE;
}

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Of a report that ends with a kill, the end is news. */
static bool is_harmless(struct fault_report *report, const char *text)
{
	bool ends = begins_with(text, "Out of memory and no killable processes");
	bool kills = begins_with(text, "oom-kill:") || begins_with(text, "Out of memory: ") ||
		     begins_with(text, "Memory cgroup out of memory: ");

	if (ends || kills)
		report->part = REPORT_NONE;
	return !kills;
}

void fault_report_lost(struct fault_report *report)
{
	*report = (struct fault_report){ .part = REPORT_REST };
}

/* "RSP: 002b:00007fffa3144108" and its like, which "BUG: Bad page map" is not. */
static bool is_register_line(const char *text)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	return length && length <= 6 && begins_with(text + length, ": ") &&
	       strspn(text + length + 2, "0123456789abcdefx") >= 4;
}

/* What can stand in a report after its first line, and begins nothing new. */
static bool is_rest(struct fault_report *report, const char *text)
{
	static const char *const beginnings[] = { "CPU: ",	 "Hardware name: ", "Call Trace:",
						  "Call trace:", "<TASK>",	    "Code: " };
	bool found = is_trace_line(text) || is_register_line(text);

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		found |= begins_with(text, beginnings[i]);
	if (!found)
		report->part = REPORT_NONE;
	return found || strcmp(text, "</TASK>") == 0;
}

bool fault_report_has(struct fault_report *report, const char *text)
{
	if (begins_with(text, "FAULT_INJECTION: forcing a failure")) {
		*report = (struct fault_report){ .part = REPORT_HEAD };
		return true;
	}
	if (report->part == REPORT_NONE && strstr(text, " invoked oom-killer: ")) {
		*report = (struct fault_report){ .part = REPORT_MEMORY };
		return true;
	}
	if (++report->records > LONGEST_REPORT)
		report->part = REPORT_NONE;
	switch (report->part) {
	case REPORT_HEAD:
		if (strcmp(text, "Call Trace:") == 0 || strcmp(text, "Call trace:") == 0)
			report->part = REPORT_TRACE;
		return true;
	case REPORT_TRACE:
		return is_in_trace(report, text);
	case REPORT_MARKED_TRACE:
		if (strcmp(text, "</TASK>") == 0)
			report->part = REPORT_NONE;
		return true;
	case REPORT_MEMORY:
		return is_harmless(report, text);
	case REPORT_REST:
		return is_rest(report, text);
	case REPORT_NONE:
		break;
	}
	return false;
}

/* What the report itself is made by says nothing about the fault. */
static bool belongs_to_report(const char *name, size_t length)
{
	static const char *const names[] = { "dump_stack", "dump_stack_lvl", "dump_backtrace", "show_stack",
					     "fail_dump",  "should_fail",    "should_fail_ex", "__should_failslab" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			return true;
	}
	return false;
}

/* "foo.cold" and "foo.part.0" are pieces of foo. */
size_t fault_report_function(const struct fault_report *report, const char *text, const char **name)
{
	size_t length;

	if (report->part != REPORT_TRACE && report->part != REPORT_MARKED_TRACE)
		return 0;
	if (*text == '?' || !is_trace_line(text))
		return 0;
	length = strcspn(text, "+.");
	*name = text;
	return belongs_to_report(text, length) ? 0 : length;
}
