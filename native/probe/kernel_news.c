/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel_news.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc.h"

enum { MOST_RECORDS = 100, ROOM_FOR_RECORD = 256, NUMBER_ROOM = 24 };

static const char taint_path[] = "/proc/sys/kernel/tainted";

long kernel_taint(void)
{
	return proc_number(taint_path, "");
}

/* From a file that stays open, as it is asked after every program. */
static long taint_now(const struct kernel_news *news)
{
	char number[NUMBER_ROOM];
	ssize_t count = pread(news->taint_file, number, sizeof(number) - 1, 0);

	if (count <= 0)
		return -1;
	number[count] = '\0';
	return strtol(number, NULL, 10);
}

static void start_anew(struct kernel_news *news)
{
	news->records = 0;
	news->trace = trace_in(news->fields, sizeof(news->fields));
}

void kernel_news_start(struct kernel_news *news)
{
	kernel_log_start(&news->log);
	news->report = (struct fault_report){ 0 };
	news->taint_file = open(taint_path, O_RDONLY | O_CLOEXEC);
	news->taint = taint_now(news);
	start_anew(news);
}

/* The reports of faults that the probe itself injected are no news. */
void kernel_news_collect(struct kernel_news *news)
{
	char record[ROOM_FOR_RECORD];

	while (kernel_log_next(&news->log, record, sizeof(record))) {
		if (news->log.lost)
			fault_report_lost(&news->report);
		news->log.lost = false;
		if (fault_report_has(&news->report, record) || news->records == MOST_RECORDS)
			continue;
		text_format(&news->trace.text, news->records == 0 ? ",\"log\":[" : ",");
		trace_string(&news->trace, record);
		news->records++;
	}
}

static void write_taint(struct kernel_news *news)
{
	long taint = taint_now(news);

	if (taint != news->taint)
		text_format(&news->trace.text, ",\"taint\":[%ld,%ld]", news->taint, taint);
	news->taint = taint;
}

const char *kernel_news_fields(struct kernel_news *news)
{
	kernel_news_collect(news);
	if (news->records)
		text_format(&news->trace.text, "]");
	write_taint(news);
	text_close(&news->trace.text);
	start_anew(news);
	return news->fields;
}
