/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an observer of locks says is evidence about the calls under test, so it
 * is believed for reasons that do not depend on them: that it can be asked about
 * mapped memory, and answers. Those of mappings and of residency must tell the
 * calibration as it is.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capabilities/trials.h"
#include "kernel/proc.h"

/* Two pages of one mapping, a hole, and a page of another mapping; only the first page was touched. */
enum { CALIBRATION_PAGES = 4, HOLE = 2 };

static const char calibration_mappings[] = "|-_|";
static const char calibration_resident[] = "R._.";

static long map_with(const struct kernel *kernel, unsigned long address, size_t pages, int protection, int flags)
{
	long result = kernel_mmap(address, pages * kernel->page_size, protection,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0, kernel->page_size);

	return kernel_is_error(result) ? result : 0;
}

static long map_at(const struct kernel *kernel, unsigned long address, size_t pages, int protection)
{
	return map_with(kernel, address, pages, protection, 0);
}

static long make_calibration(struct kernel *kernel, unsigned long *arena)
{
	long result = kernel_reserve(kernel, CALIBRATION_PAGES, arena);

	if (!result)
		result = map_at(kernel, *arena, 2, PROT_READ | PROT_WRITE);
	if (!result)
		result = map_at(kernel, *arena + 3 * kernel->page_size, 1, PROT_READ);
	if (!result)
		*(volatile char *)*arena = 1;
	return result;
}

static bool looks_like(const char *strip, const char *expected)
{
	return memcmp(strip, expected, CALIBRATION_PAGES) == 0;
}

static const struct snapshot *observe(struct kernel *kernel, unsigned long arena)
{
	static struct snapshot snapshot;
	static char room[STRIP_COUNT * CALIBRATION_PAGES];

	snapshot_start(&snapshot, CALIBRATION_PAGES, room);
	kernel_observe(kernel, arena, &snapshot);
	return &snapshot;
}

/* 0, or why it cannot be read. */
static long ask_for(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return -errno;
	close(file);
	return 0;
}

/* Where there is no smaps, maps has the boundaries. */
static long try_smaps(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	struct observers *observers = &kernel->observers;
	const struct snapshot *snapshot;
	unsigned long arena;
	long unreadable = ask_for("/proc/self/smaps");
	long result = make_calibration(kernel, &arena);

	(void)trial;
	if (result)
		return result;
	*observers = (struct observers){
		.smaps = !unreadable,
		.smaps_locks = !unreadable,
		.mappings = true,
		.elsewhere = true,
		.elsewhere_locks = !unreadable,
	};
	snapshot = observe(kernel, arena);
	observers->smaps_locks = snapshot->has_smaps;
	observers->mappings = snapshot->has_mappings && looks_like(snapshot->mappings, calibration_mappings);
	observers->elsewhere = snapshot->elsewhere_mapped > 0;
	observers->elsewhere_locks = snapshot->elsewhere_locked >= 0;
	facts->own_pages = observers->elsewhere ? snapshot->elsewhere_mapped : -1;
	facts->observers = *observers;
	return unreadable;
}

/* Two pages beside two others, which nothing else tells apart. */
static bool is_kept_apart(struct kernel *kernel, unsigned long arena)
{
	size_t half = 2 * kernel->page_size;
	int protection = PROT_READ | PROT_WRITE;

	if (map_at(kernel, arena, 2, protection) < 0 ||
	    map_with(kernel, arena + half, 2, protection, kernel_apart_flags(kernel)) < 0)
		return false;
	kernel_set_apart(kernel, arena + half, half);
	return looks_like(observe(kernel, arena)->mappings, "|-|-");
}

/* The first way that works is taken; where none does, the first. */
static long try_apart(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	unsigned long arena;
	long result = kernel_reserve(kernel, CALIBRATION_PAGES, &arena);

	(void)trial;
	kernel->observers = facts->observers;
	for (int way = 0; way < APART_WAYS && !result && facts->observers.mappings; way++) {
		kernel->apart = (enum apart)way;
		if (is_kept_apart(kernel, arena)) {
			facts->apart = kernel->apart;
			break;
		}
	}
	return result;
}

/* POSIX gives it no other answers than 0, EBUSY and ENOMEM; some kernels do not know the flag. */
static long try_invalidate(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	const struct snapshot *snapshot;
	unsigned long arena;
	long result = make_calibration(kernel, &arena);

	(void)trial;
	if (result)
		return result;
	kernel->observers = (struct observers){ .msync = true };
	snapshot = observe(kernel, arena);
	facts->observers.msync = snapshot->has_msync;
	if (snapshot->has_msync)
		return 0;
	return syscall(SYS_msync, arena, kernel->page_size, MS_ASYNC | MS_INVALIDATE) < 0 ? -errno : -EINVAL;
}

static const struct snapshot *observe_residency(struct kernel *kernel, unsigned long arena, enum residency residency)
{
	kernel->observers.residency = residency;
	return observe(kernel, arena);
}

static bool tells_residency(const struct snapshot *snapshot)
{
	return snapshot->has_resident && looks_like(snapshot->resident, calibration_resident);
}

/* Some kernels call all memory resident (gVisor); one whose pagemap knows better contradicts itself. */
static long try_residency(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	enum residency residency = RESIDENCY_NONE;
	const struct snapshot *snapshot;
	unsigned long arena;
	bool answers;
	long result = make_calibration(kernel, &arena);

	(void)trial;
	if (result)
		return result;
	kernel->observers = facts->observers;
	snapshot = observe_residency(kernel, arena, RESIDENCY_MINCORE);
	answers = snapshot->has_resident;
	if (tells_residency(snapshot))
		residency = RESIDENCY_MINCORE;
	else if (tells_residency(observe_residency(kernel, arena, RESIDENCY_PAGEMAP)))
		residency = RESIDENCY_PAGEMAP;
	facts->residency_disputed = residency == RESIDENCY_PAGEMAP && answers;
	facts->observers.residency = facts->residency_disputed ? RESIDENCY_NONE : residency;
	return 0;
}

static long try_accounting(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	(void)kernel;
	(void)trial;
	facts->observers.accounting = proc_number("/proc/self/status", "VmLck:") >= 0;
	return 0;
}

static long count_faults(struct kernel *kernel, unsigned long memory)
{
	kernel_touch(kernel, memory, CALIBRATION_PAGES);
	return kernel->touch_faults;
}

/*
 * Memory that is new takes page faults, and none when it is there, nor where the
 * kernel has brought it in: User-mode Linux has some then, which are none of its memory management.
 */
static long try_page_faults(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	unsigned long memory = trial_memory(kernel, CALIBRATION_PAGES);
	long brought = kernel_mmap(0, CALIBRATION_PAGES * kernel->page_size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0, kernel->page_size);

	(void)trial;
	if (!memory || kernel_is_error(brought))
		return -ENOMEM;
	facts->observers.page_faults = count_faults(kernel, memory) > 0 && !count_faults(kernel, memory) &&
				       !count_faults(kernel, (unsigned long)brought);
	return 0;
}

static bool shows_lock_on_fault(const struct snapshot *snapshot)
{
	return snapshot->has_smaps && memchr(snapshot->smaps, 'F', CALIBRATION_PAGES);
}

const struct trial trials_of_observers[] = {
	{ .name = "smaps", .about = ABOUT_FACT, .run = try_smaps },
	{ .name = "apart", .about = ABOUT_FACT, .run = try_apart },
	{ .name = "msync-invalidate", .about = ABOUT_FACT, .run = try_invalidate },
	{ .name = "residency", .about = ABOUT_FACT, .run = try_residency },
	{ .name = "accounting", .about = ABOUT_FACT, .run = try_accounting },
	{ .name = "page_faults", .about = ABOUT_FACT, .run = try_page_faults },
	{ 0 },
};

/*
 * Newer kernels mark what is locked on fault. That one does can be seen where
 * any way to lock so leaves the mark; where none does, the kernel may not show
 * it, or may not do it, and locks of both modes look alike.
 */
static long try_lock_modes(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	const struct system system = kernel_raw_system(kernel);
	unsigned long arena;
	long result = make_calibration(kernel, &arena);

	(void)trial;
	if (result)
		return result;
	kernel->observers = facts->observers;
	system.mlock2(system.self, arena, kernel->page_size, MLOCK_ONFAULT);
	facts->lock_modes |= shows_lock_on_fault(observe(kernel, arena));
	return 0;
}

/* A kernel without it takes the flag for a mistake. */
static long try_mcl_onfault(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	const struct system system = kernel_system(kernel);
	unsigned long arena;
	long result = make_calibration(kernel, &arena), locked;

	(void)trial;
	if (result)
		return result;
	kernel->observers = facts->observers;
	locked = system.mlockall(system.self, MCL_FUTURE | MCL_ONFAULT);
	map_at(kernel, arena + HOLE * kernel->page_size, 1, PROT_READ | PROT_WRITE);
	facts->mcl_onfault = locked != -EINVAL && locked != -ENOSYS;
	facts->lock_modes |= shows_lock_on_fault(observe(kernel, arena));
	system.munlockall(system.self);
	return 0;
}

const struct trial trials_of_locks_on_fault[] = {
	{ .name = "lock_modes", .about = ABOUT_FACT, .run = try_lock_modes },
	{ .name = "mcl_onfault", .about = ABOUT_FACT, .run = try_mcl_onfault },
	{ 0 },
};
