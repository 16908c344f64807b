/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "hello.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel_image.h"
#include "kernel_news.h"
#include "kernel_settle.h"
#include "libc.h"
#include "process.h"

enum { PROTOCOL_VERSION = 1, TIME_TO_TRY = 30000 };

/* A trial runs in a child of its own, where it may do to the process what it likes. */
struct trial {
	struct kernel kernel;
	struct facts *facts;
	void (*run)(struct kernel *kernel, struct facts *facts);
};

static void run_trial(void *argument)
{
	struct trial *trial = argument;

	trial->run(&trial->kernel, trial->facts);
}

static void try_in_child(const struct kernel *kernel, struct facts *facts, void (*run)(struct kernel *, struct facts *))
{
	struct trial trial = { .kernel = *kernel, .facts = facts, .run = run };

	process_run(run_trial, &trial, TIME_TO_TRY);
}

/* Each call with operands that change nothing; fork is tried by all trials. */

static long ask_mlock(const struct system *system)
{
	return system->mlock(system->self, 0, 0);
}

static long ask_mlock2(const struct system *system)
{
	return system->mlock2(system->self, 0, 0, 0);
}

static long ask_munlock(const struct system *system)
{
	return system->munlock(system->self, 0, 0);
}

static long ask_mlockall(const struct system *system)
{
	return system->mlockall(system->self, 0);
}

static long ask_munlockall(const struct system *system)
{
	return system->munlockall(system->self);
}

static long ask_mmap(const struct system *system)
{
	return kernel_mmap(0, 0, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, system->page_size);
}

static long ask_munmap(const struct system *system)
{
	return system->munmap(system->self, 0, 0);
}

static long ask_mprotect(const struct system *system)
{
	return system->mprotect(system->self, 0, 0, PROT_NONE);
}

static long ask_madvise(const struct system *system)
{
	return system->madvise(system->self, 0, 0, MADV_NORMAL);
}

static long ask_msync(const struct system *system)
{
	return system->msync(system->self, 0, 0, MS_ASYNC);
}

static long ask_mremap(const struct system *system)
{
	return system->mremap(system->self, 0, 0, 0, 0);
}

static long ask_brk(const struct system *system)
{
	return system->brk(system->self, 0);
}

/* Tried before all others, where the process may be replaced. */
static long ask_exec(const struct system *system)
{
	return kernel_image_works(system->self) ? 0 : -ENOSYS;
}

static void set_true(void *argument)
{
	*(volatile bool *)argument = true;
}

static long ask_thread(const struct system *system)
{
	bool ran = false;

	return system->thread(system->self, set_true, &ran) == 0 && ran ? 0 : -ENOSYS;
}

static long ask_fork(const struct system *system)
{
	(void)system;
	return 0;
}

static const struct {
	const char *name;
	long (*ask)(const struct system *system);
} calls[] = {
	{ "mlock", ask_mlock },
	{ "mlock2", ask_mlock2 },
	{ "munlock", ask_munlock },
	{ "mlockall", ask_mlockall },
	{ "munlockall", ask_munlockall },
	{ "mmap", ask_mmap },
	{ "munmap", ask_munmap },
	{ "mprotect", ask_mprotect },
	{ "madvise", ask_madvise },
	{ "msync", ask_msync },
	{ "fork", ask_fork },
	{ "mremap", ask_mremap },
	{ "brk", ask_brk },
	{ "exec", ask_exec },
	{ "thread", ask_thread },
};

enum { CALL_COUNT = sizeof(calls) / sizeof(calls[0]) };

_Static_assert((int)CALL_COUNT <= (int)MOST_CALLS, "struct facts has room for all calls");

static void try_calls(struct kernel *kernel, struct facts *facts)
{
	struct system system = kernel_system(kernel);

	for (int i = 0; i < CALL_COUNT; i++)
		facts->calls[i] = calls[i].ask(&system) != -ENOSYS;
}

static const struct {
	const char *name;
	bool shared;
} kinds[KIND_COUNT] = {
	[KIND_ANONYMOUS] = { "anonymous", false },
	[KIND_FILE] = { "file", true },
	[KIND_SHARED] = { "shared", true },
	[KIND_SHM] = { "shm", true },
	[KIND_MEMFD] = { "memfd", true },
	[KIND_HUGETLB] = { "hugetlb", false },
	[KIND_SECRETMEM] = { "secretmem", true },
	[KIND_STACK] = { "stack", false },
	[KIND_SYSV] = { "sysv", true },
	[KIND_HEAP] = { "heap", false },
};

static size_t least_pages(const struct kernel *kernel, enum kind kind)
{
	return kind == KIND_HUGETLB && kernel->huge_page_size ? kernel->huge_page_size / kernel->page_size : 1;
}

static bool can_map(struct kernel *kernel, enum kind kind)
{
	size_t pages = least_pages(kernel, kind);
	struct region region = {
		.letter = 'a',
		.kind = kind,
		.protection = PROT_READ | PROT_WRITE,
		.shared = kinds[kind].shared,
		.object_pages = (long)pages,
		.alias = -1,
	};
	unsigned long arena;

	return kernel_declare(kernel, 0, &region) == 0 && kernel_reserve(kernel, pages, &arena) == 0 &&
	       kernel_map(kernel, 0, arena, pages, 0, false) == 0;
}

static void try_kinds(struct kernel *kernel, struct facts *facts)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		facts->kinds[kind] = can_map(kernel, (enum kind)kind);
}

/* The kernel cannot write into a guard page either. */
static void try_guard(struct kernel *kernel, struct facts *facts)
{
	long address = kernel_mmap(0, kernel->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0,
				   kernel->page_size);

	if (kernel_is_error(address) || kernel_guard(kernel, (unsigned long)address, kernel->page_size) < 0)
		return;
	facts->guard = uname((struct utsname *)address) < 0 && errno == EFAULT;
}

static void try_privilege(struct kernel *kernel, struct facts *facts)
{
	struct system system = kernel_raw_system(kernel);
	struct rlimit limit;
	long address =
		kernel_mmap(0, kernel->page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, kernel->page_size);

	if (kernel_is_error(address) || getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return;
	limit.rlim_cur = 0;
	facts->privileged = setrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
			    system.mlock(system.self, (unsigned long)address, kernel->page_size) == 0;
}

/* Two pages of one mapping, a hole, and a page of another mapping; only the first page was touched. */
enum { CALIBRATION_PAGES = 4, LOCKED_PAGE = 1 };

static const char calibration_mappings[] = "|-_|";
static const char calibration_resident[] = "R._.";

static bool make_calibration(struct kernel *kernel, unsigned long *arena)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	size_t page_size = kernel->page_size;

	if (kernel_reserve(kernel, CALIBRATION_PAGES, arena) < 0 ||
	    kernel_is_error(kernel_mmap(*arena, 2 * page_size, PROT_READ | PROT_WRITE, flags, -1, 0, page_size)) ||
	    kernel_is_error(kernel_mmap(*arena + 3 * page_size, page_size, PROT_READ, flags, -1, 0, page_size)))
		return false;
	*(volatile char *)*arena = 1;
	return true;
}

static bool looks_like(const char *strip, const char *expected)
{
	return memcmp(strip, expected, CALIBRATION_PAGES) == 0;
}

static const struct snapshot *look(struct kernel *kernel, struct facts *facts, unsigned long arena, size_t pages)
{
	snapshot_start(facts->scratch, pages);
	kernel_observe(kernel, arena, facts->scratch);
	return facts->scratch;
}

static void believe_all(struct sight *sight)
{
	*sight = (struct sight){
		.smaps = access("/proc/self/smaps", R_OK) == 0,
		.smaps_locks = true,
		.msync = true,
		.mappings = true,
		.accounting = true,
		.elsewhere = true,
		.elsewhere_locks = true,
		.residency = RESIDENCY_MINCORE,
	};
}

/* Keeps of what is believed what shows the page as it is. */
static void calibrate_locks(struct sight *sight, const struct snapshot *snapshot, bool locked)
{
	const char *expected = locked ? ".L_." : ".._.";

	sight->smaps_locks &= snapshot->has_smaps && looks_like(snapshot->smaps, expected);
	sight->msync &= snapshot->has_msync && looks_like(snapshot->msync, expected);
}

static void calibrate_residency(struct kernel *kernel, struct facts *facts, unsigned long arena)
{
	enum residency *residency = &kernel->sight.residency;
	const struct snapshot *snapshot;

	for (*residency = RESIDENCY_MINCORE; *residency <= RESIDENCY_PAGEMAP; ++*residency) {
		snapshot = look(kernel, facts, arena, CALIBRATION_PAGES);
		if (snapshot->has_resident && looks_like(snapshot->resident, calibration_resident))
			return;
	}
	*residency = RESIDENCY_NONE;
}

/* What lies outside of an arena of one page, with and without the locked page beside it. */
static void calibrate_elsewhere(struct sight *sight, long before, long with_lock)
{
	sight->elsewhere_locks &= before >= 0 && with_lock == before + 1;
}

/* The observers are tried on what the kernel does, whatever stands in front of it. */
static void calibrate(struct kernel *kernel, struct facts *facts)
{
	struct system system = kernel_raw_system(kernel);
	struct sight *sight = &kernel->sight;
	const struct snapshot *snapshot;
	unsigned long arena, page;
	long accounted, elsewhere;

	believe_all(sight);
	if (!make_calibration(kernel, &arena))
		return;
	page = arena + LOCKED_PAGE * kernel->page_size;
	calibrate_residency(kernel, facts, arena);

	elsewhere = look(kernel, facts, arena, 1)->elsewhere_locked;
	snapshot = look(kernel, facts, arena, CALIBRATION_PAGES);
	sight->mappings &= snapshot->has_mappings && looks_like(snapshot->mappings, calibration_mappings);
	sight->elsewhere &= snapshot->elsewhere_mapped > 0;
	facts->own_pages = sight->elsewhere ? snapshot->elsewhere_mapped : -1;
	accounted = snapshot->accounted;
	calibrate_locks(sight, snapshot, false);

	if (system.mlock(system.self, page, kernel->page_size) < 0) {
		sight->smaps_locks = sight->msync = sight->accounting = sight->elsewhere_locks = false;
	} else {
		snapshot = look(kernel, facts, arena, CALIBRATION_PAGES);
		calibrate_locks(sight, snapshot, true);
		sight->accounting &= accounted >= 0 && snapshot->accounted == accounted + 1;
		calibrate_elsewhere(sight, elsewhere, look(kernel, facts, arena, 1)->elsewhere_locked);
		system.munlock(system.self, page, kernel->page_size);
		snapshot = look(kernel, facts, arena, CALIBRATION_PAGES);
		calibrate_locks(sight, snapshot, false);
		sight->accounting &= snapshot->accounted == accounted;
	}
	if (system.mlock2(system.self, page, kernel->page_size, MLOCK_ONFAULT) == 0) {
		snapshot = look(kernel, facts, arena, CALIBRATION_PAGES);
		facts->lock_modes = snapshot->has_smaps && looks_like(snapshot->smaps, ".F_.");
	}
	facts->sight = *sight;
}

/* Pages of anonymous memory; 0: there is none. */
static unsigned long map_pages(const struct kernel *kernel, size_t pages)
{
	long address = kernel_mmap(0, pages * kernel->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0, kernel->page_size);

	return kernel_is_error(address) ? 0 : (unsigned long)address;
}

/* Locks the middle one of three pages, which has to split their mapping. */
static long lock_with_fault(struct kernel *kernel, long *once_more, bool *reached)
{
	const struct system system = kernel_system(kernel);
	size_t page_size = kernel->page_size;
	unsigned long middle = map_pages(kernel, 3) + page_size;
	long result;

	if (system.arm(system.self, 1) < 0)
		return 0;
	result = system.mlock(system.self, middle, page_size);
	if (once_more)
		*once_more = system.mlock(system.self, middle, page_size);
	*reached = system.injected(system.self);
	return result;
}

/* What a shim calls first, its mlock may do without. */
static void try_fault(struct kernel *kernel, struct facts *facts)
{
	const struct system system = kernel_system(kernel);
	bool reached = false, failed;

	facts->shim = libc_has_shim && libc_has_shim();
	if (system.prepare_faults(system.self, false) < 0)
		return;
	failed = lock_with_fault(kernel, NULL, &reached) < 0;
	facts->faults[FAULT_EACH_ALLOCATION] = reached && (failed || facts->shim);
}

/* Without a persistent fault the call would succeed when it is made again. */
static void try_persistent_fault(struct kernel *kernel, struct facts *facts)
{
	const struct system system = kernel_system(kernel);
	bool reached = false;
	long once_more = 0;

	if (facts->faults[FAULT_EACH_ALLOCATION] && system.prepare_faults(system.self, true) == 0)
		facts->faults[FAULT_FROM_EACH_ALLOCATION] =
			lock_with_fault(kernel, &once_more, &reached) < 0 && reached && once_more < 0;
}

/* More pages than a limit of some lets be resident. The process lives to tell of it, or there is no such limit. */
static void try_memory(struct kernel *kernel, struct facts *facts)
{
	enum { SOME = 8, MORE = 256 };
	const struct system system = kernel_system(kernel);
	unsigned long memory = map_pages(kernel, MORE);
	long result;

	if (!memory || kernel_limit_memory(kernel, SOME) < 0)
		return;
	kernel_enter(kernel);
	result = system.mlock(system.self, memory, MORE * kernel->page_size);
	kernel_exit(kernel);
	facts->limit_memory = result < 0 && system.mlock(system.self, memory, MORE * kernel->page_size) == 0;
}

static void count_system(struct kernel *kernel, struct facts *facts)
{
	(void)kernel;
	facts->counts = kernel_count();
}

void hello_try(const struct kernel *kernel, struct facts *facts)
{
	facts->own_pages = -1;
	facts->counts = (struct counts){ -1, -1 };
	if (kernel->alone)
		try_in_child(kernel, facts, count_system);
	try_in_child(kernel, facts, try_calls);
	try_in_child(kernel, facts, try_kinds);
	try_in_child(kernel, facts, try_guard);
	try_in_child(kernel, facts, try_privilege);
	try_in_child(kernel, facts, calibrate);
	try_in_child(kernel, facts, try_fault);
	try_in_child(kernel, facts, try_persistent_fault);
	try_in_child(kernel, facts, try_memory);
}

struct abilities hello_abilities(const struct kernel *kernel, const struct facts *facts)
{
	struct abilities abilities = {
		.limit_memory = facts->limit_memory,
		.settle = kernel->alone && facts->counts.mlocked >= 0,
	};

	memcpy(abilities.faults, facts->faults, sizeof(abilities.faults));
	return abilities;
}

static void write_name(struct trace *trace, const char *name, const char **separator)
{
	text_format(&trace->text, "%s", *separator);
	trace_string(trace, name);
	*separator = ",";
}

static void write_names(struct trace *trace, const struct facts *facts)
{
	const char *separator = "";

	text_format(&trace->text, ",\"calls\":[");
	for (int i = 0; i < CALL_COUNT; i++) {
		if (facts->calls[i])
			write_name(trace, calls[i].name, &separator);
	}
	separator = "";
	text_format(&trace->text, "],\"kinds\":[");
	for (int i = 0; i < KIND_COUNT; i++) {
		if (facts->kinds[i])
			write_name(trace, kinds[i].name, &separator);
	}
	separator = "";
	text_format(&trace->text, "],\"guard\":%s,\"lock_observers\":[", facts->guard ? "true" : "false");
	if (facts->sight.smaps_locks)
		write_name(trace, "smaps", &separator);
	if (facts->sight.msync)
		write_name(trace, "msync", &separator);
	text_format(&trace->text, "]");
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
	write_provider(trace, facts->limit_memory, "memory", "memcg", &separator);
	text_format(&trace->text, "}");
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
	if (counts->mlocked == -1) {
		text_format(&trace->text, "null");
		return;
	}
	text_format(&trace->text, "{\"mlocked\":%ld,\"vm_areas\":", counts->mlocked);
	trace_number_or_null(trace, counts->vm_areas);
	text_format(&trace->text, "}");
}

static void write_system(struct trace *trace)
{
	struct utsname names = { 0 };

	uname(&names);
	text_format(&trace->text, "\"system\":");
	trace_string(trace, names.sysname);
	text_format(&trace->text, ",\"release\":");
	trace_string(trace, names.release);
	text_format(&trace->text, ",\"version\":");
	trace_string(trace, names.version);
	text_format(&trace->text, ",\"machine\":");
	trace_string(trace, names.machine);
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
	write_flag(trace, "lock_modes", facts->lock_modes);
	text_format(&trace->text, ",\"residency\":%s", residencies[facts->sight.residency]);
	write_flag(trace, "mappings", facts->sight.mappings);
	write_flag(trace, "accounting", facts->sight.accounting);
	write_flag(trace, "elsewhere", facts->sight.elsewhere && facts->sight.elsewhere_locks);
	write_faults(trace, facts);
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
	text_format(&trace->text, "}}");
	trace_end_line(trace);
}
