/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fault injection of Linux. /proc/thread-self/fail-nth makes the nth allocation
 * from now on fail, once. After that, and not before, the attributes failslab
 * and fail_page_alloc have their say: with make-it-fail set for the process and
 * a probability of 100 they make all later allocations fail as well. So n is
 * exact in both kinds of sweep, and 0 in fail-nth tells that it was reached.
 * What a filter of theirs lets pass is not counted either (mm/failslab.c,
 * mm/page_alloc.c, should_fail_alloc_page()): so slab objects and pages can fail
 * apart.
 */
#define _GNU_SOURCE

#include "kernel/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "kernel/proc.h"
#include "kernel/warm_up.h"
#include "program/interpret.h"
#include "program/text.h"

static const char debugfs[] = "/sys/kernel/debug";

enum {
	ROOM_FOR_RECORD = 1024,
	NUMBER_ROOM = 24,
	FAR_AWAY = 2000000000, /* more allocations than any call makes */
};

/* Of the four of failslab and fail_page_alloc without which nothing of a memory lock fails, one has no second name. */
static const struct {
	const char *name;
	const char *value;
	const char *instead; /* where the kernel does not take the value */
} knobs[KNOB_COUNT] = {
	{ "failslab/task-filter", "Y", NULL },
	{ "failslab/probability", "0", NULL },
	{ "failslab/interval", "1", NULL },
	{ "failslab/times", "-1", "2000000000" },
	{ "failslab/space", "0", NULL },
	{ "failslab/verbose", "2", NULL },
	{ "failslab/ignore-gfp-wait", "N", NULL },
	{ "failslab/cache-filter", "N", NULL },
	{ "fail_page_alloc/task-filter", "Y", NULL },
	{ "fail_page_alloc/probability", "0", NULL },
	{ "fail_page_alloc/interval", "1", NULL },
	{ "fail_page_alloc/times", "-1", "2000000000" },
	{ "fail_page_alloc/space", "0", NULL },
	{ "fail_page_alloc/verbose", "2", NULL },
	{ "fail_page_alloc/ignore-gfp-wait", "N", NULL },
	{ "fail_page_alloc/ignore-gfp-highmem", "N", NULL },
	{ "fail_page_alloc/min-order", "0", NULL },
};

const char *kernel_faults_knob(int number)
{
	return knobs[number].name;
}

static void read_knob(const char *name, char *value)
{
	int file = proc_open_in(debugfs, name, O_RDONLY);
	ssize_t count = file < 0 ? 0 : read(file, value, KNOB_ROOM - 1);

	value[count < 0 ? 0 : count] = '\0';
	value[strcspn(value, "\n")] = '\0';
	if (file >= 0)
		close(file);
}

static bool has_knob(const struct kernel_faults *faults, const char *name)
{
	for (int i = 0; i < KNOB_COUNT; i++) {
		if (strcmp(knobs[i].name, name) == 0)
			return *faults->knobs[i].found;
	}
	return false;
}

/* What it reads afterwards tells whether it was taken. */
static void write_knob(const char *name, const char *value)
{
	proc_write_in(debugfs, name, value);
}

void kernel_faults_start(struct kernel_faults *faults)
{
	static const char *const switches[] = { "failslab/probability", "fail_page_alloc/probability" };

	faults->nth = -1;
	faults->switches[0] = faults->switches[1] = faults->log.file = -1;
	for (int i = 0; i < KNOB_COUNT; i++) {
		struct knob *knob = &faults->knobs[i];

		read_knob(knobs[i].name, knob->found);
		if (!*knob->found)
			continue;
		write_knob(knobs[i].name, knobs[i].value);
		read_knob(knobs[i].name, knob->set);
		if (knobs[i].instead && strcmp(knob->set, knobs[i].value) != 0) {
			write_knob(knobs[i].name, knobs[i].instead);
			read_knob(knobs[i].name, knob->set);
		}
	}
	if (!has_knob(faults, switches[0]))
		return;
	for (int i = 0; i < 2; i++)
		faults->switches[i] = proc_open_in(debugfs, switches[i], O_WRONLY);
	kernel_log_start(&faults->log);
}

/* In the other direction: nothing fails for others on the way. */
void kernel_faults_stop(const struct kernel_faults *faults)
{
	for (int i = KNOB_COUNT - 1; i >= 0; i--) {
		if (*faults->knobs[i].found)
			write_knob(knobs[i].name, faults->knobs[i].found);
	}
}

/* An injection that may not have happened is no result: what is not written or read to the end is an error. */
static long checked(long result, size_t length)
{
	if (result < 0)
		return -errno;
	return (size_t)result == length ? 0 : -EIO;
}

static long set_nth(const struct kernel_faults *faults, unsigned long n)
{
	char number[NUMBER_ROOM];
	struct text text = text_in(number, sizeof(number));

	text_format(&text, "%lu", n);
	return checked(syscall(SYS_pwrite64, faults->nth, number, text.used, 0, 0, 0), text.used);
}

/* These files have no position. */
static long set_switches(const struct kernel_faults *faults, const char *probability)
{
	size_t length = strlen(probability);
	long result = 0;

	for (int i = 0; faults->persistent && i < 2; i++) {
		long written = checked(syscall(SYS_write, faults->switches[i], probability, length), length);

		result = result ? result : written;
	}
	return result;
}

static long open_nth(struct kernel_faults *faults)
{
	faults->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return faults->nth < 0 ? -errno : 0;
}

/* From here on the switches alone decide; an execution that died may have left them on. */
static long make_it_fail(struct kernel_faults *faults)
{
	long result = set_switches(faults, "0");

	return result ? result : proc_write("/proc/thread-self/make-it-fail", "1");
}

/*
 * Only caches that somebody has marked, and in a kernel for tests nobody has, pass
 * the one filter; no order of pages the other.
 */
static long choose_allocations(const struct kernel_faults *faults, enum allocations which)
{
	static const struct {
		const char *name, *pass, *fail;
		enum allocations only;
	} filters[] = {
		{ "failslab/cache-filter", "Y", "N", SLAB_ALLOCATION },
		{ "fail_page_alloc/min-order", "1000", "0", PAGE_ALLOCATION },
	};

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		bool fails = which == ANY_ALLOCATION || which == filters[i].only;
		const char *wanted = fails ? filters[i].fail : filters[i].pass;
		char now[KNOB_ROOM];

		if (!has_knob(faults, filters[i].name) && fails)
			continue;
		read_knob(filters[i].name, now);
		if (strcmp(now, wanted) == 0)
			continue;
		write_knob(filters[i].name, wanted);
		read_knob(filters[i].name, now);
		if (strcmp(now, wanted) != 0)
			return -EOPNOTSUPP;
	}
	return 0;
}

void kernel_faults_choose(struct kernel_faults *faults, enum allocations which)
{
	if (!faults->is_chosen || faults->chosen != which)
		faults->is_chosen = choose_allocations(faults, which) == 0;
	faults->chosen = which;
}

/* What an execution before this one had is in force until the filters are looked at. */
long kernel_prepare_faults(void *self, bool persistent, enum allocations which)
{
	struct kernel_faults *faults = &((struct kernel *)self)->faults;
	long result = open_nth(faults);

	faults->persistent = persistent;
	if (!result && faults->log.file < 0) /* of a kernel without debugfs */
		kernel_log_start(&faults->log);
	if (!result && !(faults->is_chosen && faults->chosen == which))
		result = choose_allocations(faults, which);
	if (!result && persistent)
		result = make_it_fail(faults);
	return result;
}

/* The file names the task that opened it. */
void kernel_faults_inherit(struct kernel_faults *faults)
{
	if (faults->nth < 0)
		return;
	close(faults->nth);
	open_nth(faults);
}

/* All that is used between arming and reading is used once before. While fail-nth counts, the switches are idle. */
long kernel_arm(void *self, unsigned long n)
{
	struct kernel *kernel = self;
	const struct kernel_faults *faults = &kernel->faults;
	long result;

	if (faults->nth < 0)
		return -EBADF;
	kernel_log_skip(&faults->log);
	warm_up();
	result = set_nth(faults, FAR_AWAY);
	if (!result)
		result = kernel_injected(self);
	if (result >= 0)
		result = set_nth(faults, FAR_AWAY);
	if (!result)
		result = set_switches(faults, "100");
	if (!result)
		result = set_nth(faults, n);
	if (result < 0)
		kernel_injected(self);
	return result;
}

long kernel_injected(void *self)
{
	const struct kernel_faults *faults = &((struct kernel *)self)->faults;
	char number[NUMBER_ROOM];
	long count = syscall(SYS_pread64, faults->nth, number, sizeof(number), 0, 0, 0);
	long reached = count < 0 ? -errno : count == 0 ? -EIO : number[0] == '0';
	long far = set_nth(faults, FAR_AWAY), off = set_switches(faults, "0"), disarmed = set_nth(faults, 0);

	if (reached < 0)
		return reached;
	return far ? far : off ? off : disarmed ? disarmed : reached;
}

/* The first report since arming: with a fault that stays, others come after it, and may have overwritten it. */
int kernel_stack(void *self, char *names, size_t size)
{
	struct kernel_faults *faults = &((struct kernel *)self)->faults;
	struct fault_report report = { 0 };
	struct text text = text_in(names, size);
	char record[ROOM_FOR_RECORD];
	bool inside = false;
	int count = 0;

	while (count < MOST_FUNCTIONS && kernel_log_next(&faults->log, record, sizeof(record))) {
		const char *name = NULL;
		size_t length;

		if (faults->log.lost)
			return 0;
		if (!fault_report_has(&report, record) ||
		    (inside && report.part == REPORT_HEAD && report.records == 0)) {
			if (inside)
				break;
			continue;
		}
		inside = true;
		length = fault_report_function(&report, record, &name);
		if (!length)
			continue;
		text_bytes(&text, name, length);
		text_bytes(&text, "", 1);
		if (text.overflowed)
			break;
		count++;
	}
	return count;
}
