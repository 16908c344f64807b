/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <string.h>
#include <unistd.h>

#include "capabilities/trials.h"

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

static const struct snapshot *observe(struct kernel *kernel, unsigned long arena, size_t pages)
{
	static struct snapshot snapshot;
	static char room[STRIP_COUNT * CALIBRATION_PAGES];

	snapshot_start(&snapshot, pages, room);
	kernel_observe(kernel, arena, &snapshot);
	return &snapshot;
}

static void trust_all(struct observers *observers)
{
	*observers = (struct observers){
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
static void calibrate_locks(struct observers *observers, const struct snapshot *snapshot, bool locked)
{
	const char *expected = locked ? ".L_." : ".._.";

	observers->smaps_locks &= snapshot->has_smaps && looks_like(snapshot->smaps, expected);
	observers->msync &= snapshot->has_msync && looks_like(snapshot->msync, expected);
}

static void calibrate_residency(struct kernel *kernel, unsigned long arena)
{
	enum residency *residency = &kernel->observers.residency;
	const struct snapshot *snapshot;

	for (*residency = RESIDENCY_MINCORE; *residency <= RESIDENCY_PAGEMAP; ++*residency) {
		snapshot = observe(kernel, arena, CALIBRATION_PAGES);
		if (snapshot->has_resident && looks_like(snapshot->resident, calibration_resident))
			return;
	}
	*residency = RESIDENCY_NONE;
}

/* What lies outside of an arena of one page, with and without the locked page beside it. */
static void calibrate_elsewhere(struct observers *observers, long before, long with_lock)
{
	observers->elsewhere_locks &= before >= 0 && with_lock == before + 1;
}

/* The observers are tried on what the kernel does, whatever stands in front of it. */
void try_observers(struct kernel *kernel, struct facts *facts)
{
	struct system system = kernel_raw_system(kernel);
	struct observers *observers = &kernel->observers;
	const struct snapshot *snapshot;
	unsigned long arena, page;
	long accounted, elsewhere;

	trust_all(observers);
	if (!make_calibration(kernel, &arena))
		return;
	page = arena + LOCKED_PAGE * kernel->page_size;
	calibrate_residency(kernel, arena);

	elsewhere = observe(kernel, arena, 1)->elsewhere_locked;
	snapshot = observe(kernel, arena, CALIBRATION_PAGES);
	observers->mappings &= snapshot->has_mappings && looks_like(snapshot->mappings, calibration_mappings);
	observers->elsewhere &= snapshot->elsewhere_mapped > 0;
	facts->own_pages = observers->elsewhere ? snapshot->elsewhere_mapped : -1;
	accounted = snapshot->accounted;
	calibrate_locks(observers, snapshot, false);

	if (system.mlock(system.self, page, kernel->page_size) < 0) {
		observers->smaps_locks = observers->msync = observers->accounting = observers->elsewhere_locks = false;
	} else {
		snapshot = observe(kernel, arena, CALIBRATION_PAGES);
		calibrate_locks(observers, snapshot, true);
		observers->accounting &= accounted >= 0 && snapshot->accounted == accounted + 1;
		calibrate_elsewhere(observers, elsewhere, observe(kernel, arena, 1)->elsewhere_locked);
		system.munlock(system.self, page, kernel->page_size);
		snapshot = observe(kernel, arena, CALIBRATION_PAGES);
		calibrate_locks(observers, snapshot, false);
		observers->accounting &= snapshot->accounted == accounted;
	}
	if (system.mlock2(system.self, page, kernel->page_size, MLOCK_ONFAULT) == 0) {
		snapshot = observe(kernel, arena, CALIBRATION_PAGES);
		facts->lock_modes = snapshot->has_smaps && looks_like(snapshot->smaps, ".F_.");
	}
	facts->observers = *observers;
}
