/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_news.h"

#include "proc.h"

enum { MOST_RECORDS = 100, ROOM_FOR_RECORD = 256 };

long kernel_taint(void)
{
	return proc_number("/proc/sys/kernel/tainted", "");
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
	news->taint = kernel_taint();
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
	long taint = kernel_taint();

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
