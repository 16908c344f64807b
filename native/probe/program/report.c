/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "program/errnames.h"
#include "program/interpreter.h"
#include "program/text.h"

static void write_observer(struct trace *trace, bool seen, const char *name, const char *strip, size_t pages,
			   const char **separator)
{
	if (!seen)
		return;
	text_format(&trace->text, "%s", *separator);
	trace_string(trace, name);
	text_format(&trace->text, ":");
	trace_strip(trace, strip, pages);
	*separator = ",";
}

static void write_strip_or_null(struct trace *trace, const char *name, bool seen, const char *strip, size_t pages)
{
	text_format(&trace->text, ",\"%s\":", name);
	if (seen)
		trace_strip(trace, strip, pages);
	else
		text_format(&trace->text, "null");
}

static void write_snapshot(struct trace *trace, const struct snapshot *snapshot)
{
	const char *separator = "";

	text_format(&trace->text, "{\"locked\":{");
	write_observer(trace, snapshot->has_smaps, snapshot->smaps_name, snapshot->smaps, snapshot->pages, &separator);
	write_observer(trace, snapshot->has_msync, "msync", snapshot->msync, snapshot->pages, &separator);
	text_format(&trace->text, "}");
	write_strip_or_null(trace, "resident", snapshot->has_resident, snapshot->resident, snapshot->pages);
	write_strip_or_null(trace, "mappings", snapshot->has_mappings, snapshot->mappings, snapshot->pages);
	text_format(&trace->text, ",\"accounted\":");
	trace_number_or_null(trace, snapshot->accounted);
	text_format(&trace->text, ",\"elsewhere\":");
	if (snapshot->elsewhere_mapped == -1 || snapshot->elsewhere_locked == -1) {
		text_format(&trace->text, "null}");
	} else {
		text_format(&trace->text, "{\"mapped\":%ld,\"locked\":%ld}}", snapshot->elsewhere_mapped,
			    snapshot->elsewhere_locked);
	}
}

static bool end_line(struct interpreter *in)
{
	struct trace *trace = &in->execution->trace;

	return trace_end_line(trace) ||
	       fail_setup(in, "the trace is longer than %lu bytes", (unsigned long)trace->text.size);
}

static void observe(struct interpreter *in)
{
	struct snapshot *snapshot = &in->execution->snapshot;

	snapshot_start(snapshot, in->program->pages, in->execution->strips);
	in->system->observe(in->system->self, in->arena, snapshot);
}

bool report_before(struct interpreter *in)
{
	struct trace *trace = &in->execution->trace;

	observe(in);
	text_format(&trace->text, "{\"before\":");
	write_snapshot(trace, &in->execution->snapshot);
	text_format(&trace->text, "}");
	return end_line(in);
}

static void write_stack(struct interpreter *in)
{
	const struct system *system = in->system;
	struct trace *trace = &in->execution->trace;
	char functions[ROOM_FOR_FUNCTIONS];
	const char *function = functions;
	int count = 0;

	if (system->stack)
		count = system->stack(system->self, functions, sizeof(functions));
	for (int i = 0; i < count; i++) {
		text_format(&trace->text, i == 0 ? ",\"stack\":[" : ",");
		trace_string(trace, function);
		function += strlen(function) + 1;
	}
	if (count)
		text_format(&trace->text, "]");
}

static void write_fault(struct interpreter *in, long result)
{
	struct trace *trace = &in->execution->trace;
	bool reached = in->execution->fault_reached;

	text_format(&trace->text, ",\"fault\":\"%s\"", !reached ? "not-reached" : result < 0 ? "failed" : "absorbed");
	if (reached)
		write_stack(in);
}

static void write_count(struct trace *trace, long start, long now)
{
	if (start == COUNT_UNSEEN || now == COUNT_UNSEEN)
		text_format(&trace->text, "null");
	else
		text_format(&trace->text, "[%ld,%ld]", start, now);
}

/* The step that settled the system says what it found. */
static void write_counts(struct interpreter *in)
{
	struct trace *trace = &in->execution->trace;

	text_format(&trace->text, ",\"system\":{\"mlocked\":");
	write_count(trace, in->start.mlocked, in->now.mlocked);
	text_format(&trace->text, ",\"vm_areas\":");
	write_count(trace, in->start.vm_areas, in->now.vm_areas);
	text_format(&trace->text, "}");
}

static void write_results(struct interpreter *in)
{
	const struct results *results = &in->results;
	struct trace *trace = &in->execution->trace;
	char unknown[NAME_ROOM];

	text_format(&trace->text, ",\"results\":");
	for (int thread = 0; thread < results->threads; thread++) {
		text_format(&trace->text, thread == 0 ? "[" : ",");
		for (int i = 0; i < results->count[thread]; i++) {
			long result = results->seen[thread][i];

			text_format(&trace->text, "%s\"%s\"", i == 0 ? "[" : ",",
				    result < 0 ? error_name((int)-result, unknown) : "0");
		}
		text_format(&trace->text, "]");
	}
	text_format(&trace->text, "]");
}

static void write_page_faults(struct interpreter *in)
{
	long faults = in->system->page_faults(in->system->self);

	if (faults >= 0)
		text_format(&in->execution->trace.text, ",\"page_faults\":%ld", faults);
}

bool report_step(struct interpreter *in, int index, long result, bool fault)
{
	struct trace *trace = &in->execution->trace;
	char unknown[NAME_ROOM];

	text_format(&trace->text, "{\"step\":%d,\"result\":\"%s\"", index,
		    result < 0 ? error_name((int)-result, unknown) : "0");
	if (fault)
		write_fault(in, result);
	if (in->program->steps[index].operation == STEP_SETTLE && result == 0)
		write_counts(in);
	if (in->program->steps[index].operation == STEP_THREADS)
		write_results(in);
	if (in->program->steps[index].operation == STEP_TOUCH)
		write_page_faults(in);
	observe(in);
	text_format(&trace->text, ",\"snapshot\":");
	write_snapshot(trace, &in->execution->snapshot);
	text_format(&trace->text, "}");
	return end_line(in);
}
