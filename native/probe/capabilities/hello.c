/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "capabilities/hello.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capabilities/trials.h"
#include "kernel/build_id.h"
#include "kernel/configuration.h"
#include "kernel/diagnostics.h"
#include "program/errnames.h"

enum { PROTOCOL_VERSION = 1 };

static void write_name(struct trace *trace, const char *name, const char **separator)
{
	text_format(&trace->text, "%s", *separator);
	trace_string(trace, name);
	*separator = ",";
}

static bool is_call(const struct trial *trial)
{
	return trial->about == ABOUT_LOCK || trial->about == ABOUT_CALL;
}

/* A call that answers with an error is there. */
static bool is_there(const struct trial *trial, struct attempt attempt)
{
	return attempt.end == ATTEMPT_ANSWERED && (is_call(trial) ? attempt.number != ENOSYS : attempt.number == 0);
}

static void write_those_there(struct trace *trace, const struct facts *facts, enum trial_about about,
			      const char **separator)
{
	const struct trial *trial;

	for (int i = 0; (trial = trial_numbered(i)) != NULL; i++) {
		if (trial->about == about && is_there(trial, facts->attempts[i]))
			write_name(trace, trial->name, separator);
	}
}

static void write_names(struct trace *trace, const struct facts *facts)
{
	const char *separator = "";

	text_format(&trace->text, ",\"calls\":[");
	write_those_there(trace, facts, ABOUT_LOCK, &separator);
	write_those_there(trace, facts, ABOUT_CALL, &separator);
	separator = "";
	text_format(&trace->text, "],\"kinds\":[");
	write_those_there(trace, facts, ABOUT_KIND, &separator);
	separator = "";
	text_format(&trace->text, "],\"guard\":%s,\"lock_observers\":[", facts->guard ? "true" : "false");
	if (facts->observers.smaps_locks)
		write_name(trace, "smaps", &separator);
	if (facts->observers.msync)
		write_name(trace, "msync", &separator);
	text_format(&trace->text, "]");
}

static void write_refused(struct trace *trace, const struct facts *facts)
{
	const struct trial *trial;
	const char *separator = "";
	char unknown[NAME_ROOM];

	text_format(&trace->text, ",\"refused\":{");
	for (int i = 0; (trial = trial_numbered(i)) != NULL; i++) {
		struct attempt attempt = facts->attempts[i];

		if (attempt.end != ATTEMPT_ANSWERED || !attempt.number || (is_call(trial) && !is_there(trial, attempt)))
			continue;
		write_name(trace, trial->name, &separator);
		text_format(&trace->text, ":\"%s\"", error_name(attempt.number, unknown));
	}
	text_format(&trace->text, "}");
}

static void write_ending(struct trace *trace, struct attempt attempt)
{
	char unknown[NAME_ROOM];

	switch (attempt.end) {
	case ATTEMPT_DIED:
		text_format(&trace->text, ":\"died of %s\"", signal_name(attempt.number, unknown));
		break;
	case ATTEMPT_HUNG:
		text_format(&trace->text, ":\"hung\"");
		break;
	case ATTEMPT_NOT_STARTED:
		text_format(&trace->text, ":\"could not be started, fork gave %s\"",
			    error_name(attempt.number, unknown));
		break;
	default:
		text_format(&trace->text, ":\"could not tell what it found, write gave %s\"",
			    error_name(attempt.number, unknown));
	}
}

static void write_trouble(struct trace *trace, const struct facts *facts)
{
	const struct trial *trial;
	const char *separator = "";

	text_format(&trace->text, ",\"trouble\":{");
	for (int i = 0; (trial = trial_numbered(i)) != NULL; i++) {
		if (facts->attempts[i].end == ATTEMPT_ANSWERED)
			continue;
		write_name(trace, trial->name, &separator);
		write_ending(trace, facts->attempts[i]);
	}
	if (facts->residency_disputed) {
		write_name(trace, "residency", &separator);
		text_format(&trace->text, ":\"found that mincore and pagemap disagree\"");
	}
	text_format(&trace->text, "}");
}

static void write_flag(struct trace *trace, const char *name, bool flag)
{
	text_format(&trace->text, ",\"%s\":%s", name, flag ? "true" : "false");
}

static void write_provider(struct trace *trace, bool works, const char *what, const char *how, const char **separator)
{
	if (!works)
		return;
	write_name(trace, what, separator);
	text_format(&trace->text, ":\"%s\"", how);
}

static void write_faults(struct trace *trace, const struct facts *facts)
{
	const char *separator = "";

	text_format(&trace->text, ",\"faults\":{");
	write_provider(trace, facts->faults[FAULT_EACH_ALLOCATION], "each-allocation",
		       facts->shim ? "shim" : "fail-nth", &separator);
	write_provider(trace, facts->faults[FAULT_FROM_EACH_ALLOCATION], "from-each-allocation", "make-it-fail",
		       &separator);
	write_provider(trace, facts->faults_apart, "apart", "filters", &separator);
	write_provider(trace, facts->limit_memory, "memory", "memcg", &separator);
	text_format(&trace->text, "}");
}

static void write_reclaim(struct trace *trace, const struct facts *facts)
{
	const struct trial *trial;
	const char *separator = "";

	text_format(&trace->text, ",\"reclaim\":[");
	for (int i = 0; (trial = trial_numbered(i)) != NULL; i++) {
		if (trial->about == ABOUT_KIND && facts->reclaim[trial->kind])
			write_name(trace, trial->name, &separator);
	}
	text_format(&trace->text, "]");
}

static void write_knobs(struct trace *trace, const struct kernel_faults *faults)
{
	const char *separator = "";

	text_format(&trace->text, ",\"knobs\":{");
	for (int i = 0; i < KNOB_COUNT; i++) {
		const struct knob *knob = &faults->knobs[i];

		if (!*knob->found)
			continue;
		write_name(trace, kernel_faults_knob(i), &separator);
		text_format(&trace->text, ":[");
		trace_string(trace, knob->found);
		text_format(&trace->text, ",");
		trace_string(trace, knob->set);
		text_format(&trace->text, "]");
	}
	text_format(&trace->text, "}");
}

static void write_counts(struct trace *trace, const struct counts *counts)
{
	text_format(&trace->text, ",\"counts\":");
	if (counts->mlocked == COUNT_UNSEEN) {
		text_format(&trace->text, "null");
		return;
	}
	text_format(&trace->text, "{\"mlocked\":%ld,\"vm_areas\":", counts->mlocked);
	trace_number_or_null(trace, counts->vm_areas);
	text_format(&trace->text, "}");
}

static void write_configuration(struct trace *trace, const char *release)
{
	struct configuration configuration;
	char line[COMMAND_LINE_ROOM];

	if (configuration_read(release, &configuration)) {
		text_format(&trace->text, ",\"config\":[");
		trace_string(trace, configuration.path);
		text_format(&trace->text, ",\"%s\"]", configuration.digest);
	}
	command_line_read(line);
	if (*line) {
		text_format(&trace->text, ",\"command_line\":");
		trace_string(trace, line);
	}
}

/* How many processors the probe may run on; in a guest all that the kernel runs. 0: not known. */
static int processors(void)
{
	unsigned char mask[1024] = { 0 }; /* for the 8192 that Linux has at most */
	long size = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	int count = 0;

	for (long i = 0; i < size; i++)
		count += __builtin_popcount(mask[i]);
	return count;
}

static void write_system(struct trace *trace)
{
	struct utsname names = { 0 };
	char build_id[BUILD_ID_ROOM];
	int count = processors();

	uname(&names);
	text_format(&trace->text, "\"system\":");
	trace_string(trace, names.sysname);
	text_format(&trace->text, ",\"release\":");
	trace_string(trace, names.release);
	text_format(&trace->text, ",\"version\":");
	trace_string(trace, names.version);
	text_format(&trace->text, ",\"machine\":");
	trace_string(trace, names.machine);
	if (build_id_read(build_id))
		text_format(&trace->text, ",\"build_id\":\"%s\"", build_id);
	if (build_id_own(build_id))
		text_format(&trace->text, ",\"probe\":\"%s\"", build_id);
	write_configuration(trace, names.release);
	if (count)
		text_format(&trace->text, ",\"processors\":%d", count);
}

/*
 * Linux gives 0 for all of the address space from 0 on, as the length rounded
 * up is 0; where the kernel computes in more bits than this process has, there
 * are pages in it, and not all of them are mapped.
 */
static bool ranges_wrap(void)
{
	return sizeof(void *) == sizeof(uint64_t) || syscall(SYS_msync, 0, SIZE_MAX, MS_ASYNC) == 0;
}

static long hard_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_max == RLIM_INFINITY)
		return -1;
	return (long)limit.rlim_max;
}

void hello_write(const struct kernel *kernel, const struct facts *facts, struct trace *trace)
{
	static const char *const residencies[] = {
		[RESIDENCY_NONE] = "null",
		[RESIDENCY_MINCORE] = "\"mincore\"",
		[RESIDENCY_PAGEMAP] = "\"pagemap\"",
	};

	text_format(&trace->text, "{\"hello\":{\"protocol\":%d,", PROTOCOL_VERSION);
	write_system(trace);
	text_format(&trace->text, ",\"page_size\":%lu,\"bits\":%d", (unsigned long)kernel->page_size,
		    (int)sizeof(void *) * 8);
	write_flag(trace, "wraps", ranges_wrap());
	write_names(trace, facts);
	write_refused(trace, facts);
	write_trouble(trace, facts);
	write_flag(trace, "mcl_onfault", facts->mcl_onfault);
	write_flag(trace, "lock_modes", facts->lock_modes);
	text_format(&trace->text, ",\"residency\":%s", residencies[facts->observers.residency]);
	write_flag(trace, "mappings", facts->observers.mappings);
	write_flag(trace, "accounting", facts->observers.accounting);
	write_flag(trace, "page_faults", facts->observers.page_faults);
	write_flag(trace, "elsewhere", facts->observers.elsewhere && facts->observers.elsewhere_locks);
	write_faults(trace, facts);
	write_reclaim(trace, facts);
	write_knobs(trace, &kernel->faults);
	write_flag(trace, "alone", kernel->alone);
	text_format(&trace->text, ",\"taint\":");
	trace_number_or_null(trace, kernel_taint());
	write_counts(trace, &facts->counts);
	write_flag(trace, "privileged", facts->privileged);
	text_format(&trace->text, ",\"memlock\":%ld,\"own_pages\":", hard_memlock());
	trace_number_or_null(trace, facts->own_pages);
	text_format(&trace->text, ",\"max_map_count\":");
	trace_number_or_null(trace, kernel->max_map_count);
	text_format(&trace->text, ",\"huge_page\":");
	trace_number_or_null(trace, kernel->huge_page_size ? (long)(kernel->huge_page_size / kernel->page_size) : -1);
	text_format(&trace->text, ",\"thp\":");
	trace_number_or_null(trace, facts->thp ? (long)facts->thp : -1);
	text_format(&trace->text, "}}");
	trace_end_line(trace);
}
