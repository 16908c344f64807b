/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_record.h"

#include "program/errnames.h"
#include "program/pages.h"

bool record_is_made(const struct record *record)
{
	return record->manner == AS_IT_IS || record->manner == LATE || record->manner == PART;
}

size_t record_part(const struct record *record, size_t page_size)
{
	const struct page_range pages = whole_pages(record->address, record->length, page_size);

	if (record->manner != PART)
		return record->length;
	return pages.count > 1 ? (pages.first + pages.count / 2) * page_size - record->address : 0;
}

static void write_or_null(struct trace *line, const char *name, const char *string)
{
	text_format(&line->text, ",\"%s\":", name);
	if (string)
		trace_string(line, string);
	else
		text_format(&line->text, "null");
}

void record_write(struct trace *line, const struct record *record, int pid, const char *caller)
{
	char unknown[NAME_ROOM];
	struct text *text = &line->text;

	text_format(text, "{\"pid\":%d,\"n\":%lu,\"nth\":%lu,\"call\":\"%s\",\"address\":\"0x%lx\"", pid,
		    record->of_all, record->nth, call_name(record->call), (unsigned long)record->address);
	text_format(text, ",\"length\":%lu,\"flags\":%d", (unsigned long)record->length, record->flags);
	write_or_null(line, "caller", caller);
	write_or_null(line, "manner", record->manner == AS_IT_IS ? NULL : manner_name(record->manner));
	text_format(text, ",\"result\":\"%s\"}", record->error ? error_name(record->error, unknown) : "0");
}
