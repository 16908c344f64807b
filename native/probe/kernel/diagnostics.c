/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/diagnostics.h"

#include <fcntl.h>
#include <unistd.h>

#include "kernel/proc.h"

enum { MOST_RECORDS = 100, ROOM_FOR_RECORD = 256 };

static const char taint_path[] = "/proc/sys/kernel/tainted";

long kernel_taint(void)
{
	return proc_number(taint_path, "");
}

/* From a file that stays open, as it is asked after every program. */
static long taint_now(const struct diagnostics *diagnostics)
{
	return (long)proc_number_at(diagnostics->taint_file);
}

static void start_anew(struct diagnostics *diagnostics)
{
	diagnostics->records = 0;
	diagnostics->trace = trace_in(diagnostics->fields, sizeof(diagnostics->fields));
}

void diagnostics_start(struct diagnostics *diagnostics)
{
	kernel_log_start(&diagnostics->log);
	diagnostics->report = (struct fault_report){ 0 };
	diagnostics->taint_file = open(taint_path, O_RDONLY | O_CLOEXEC);
	diagnostics->taint = taint_now(diagnostics);
	start_anew(diagnostics);
}

/* The reports of faults that the probe itself injected are no news. */
void diagnostics_collect(struct diagnostics *diagnostics)
{
	char record[ROOM_FOR_RECORD];

	while (kernel_log_next(&diagnostics->log, record, sizeof(record))) {
		if (diagnostics->log.lost)
			fault_report_lost(&diagnostics->report);
		diagnostics->log.lost = false;
		if (fault_report_has(&diagnostics->report, record) || diagnostics->records == MOST_RECORDS)
			continue;
		text_format(&diagnostics->trace.text, diagnostics->records == 0 ? ",\"log\":[" : ",");
		trace_string(&diagnostics->trace, record);
		diagnostics->records++;
	}
}

static void write_taint(struct diagnostics *diagnostics)
{
	long taint = taint_now(diagnostics);

	if (taint != diagnostics->taint)
		text_format(&diagnostics->trace.text, ",\"taint\":[%ld,%ld]", diagnostics->taint, taint);
	diagnostics->taint = taint;
}

const char *diagnostics_fields(struct diagnostics *diagnostics)
{
	diagnostics_collect(diagnostics);
	if (diagnostics->records)
		text_format(&diagnostics->trace.text, "]");
	write_taint(diagnostics);
	text_close(&diagnostics->trace.text);
	start_anew(diagnostics);
	return diagnostics->fields;
}
