/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_LOG_H
#define LOCKPROOF_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* The kernel's log from some moment on. The position belongs to the file, and so to all processes that have it. */
struct kernel_log {
	int file;  /* -1: it cannot be read */
	bool lost; /* the kernel has overwritten records before they were read; to be cleared by who has seen it */
};

/* Opens the log at its end. */
void kernel_log_start(struct kernel_log *log);

/* Goes to the end of the log, as it is now. */
void kernel_log_skip(const struct kernel_log *log);

/* The text of the next record, without its prefix, ended by a zero byte; false: there is none now. */
bool kernel_log_next(struct kernel_log *log, char *text, size_t size);

/* Where in the report of a failure that was asked for the log is: of fault injection, or of a limit of memory. Starts as zero. */
struct fault_report {
	enum { REPORT_NONE, REPORT_HEAD, REPORT_TRACE, REPORT_MARKED_TRACE, REPORT_MEMORY, REPORT_REST } part;
	int records; /* of it so far */
};

/* Records were lost, which may be the beginning of one. */
void fault_report_lost(struct fault_report *report);

/* Whether the record is part of such a report: to be asked of each, in their order. */
bool fault_report_has(struct fault_report *report, const char *text);

/* The name of the function in a line of a call trace that is certain of it; its length, or 0. */
size_t fault_report_function(const struct fault_report *report, const char *text, const char **name);

#endif
