/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whatever calls are made, whatever fails: mappings stay sorted, disjoint and
 * not empty. What the models of Linux count as locked is what is locked, and
 * what is resident has page tables.
 */
#define _GNU_SOURCE /* MLOCK_ONFAULT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mm/task.h"
#include "prove/prove.h"

enum { PAGES = 12, HUGE_PAGES = 1024, PAGE = 1 << PAGE_SHIFT };

static const struct region regions[] = {
	{ .letter = 'a', .kind = KIND_ANONYMOUS, .protection = PROT_READ | PROT_WRITE, .alias = -1 },
	{ .letter = 'r', .kind = KIND_ANONYMOUS, .protection = PROT_READ, .alias = -1 },
	{ .letter = 'n', .kind = KIND_ANONYMOUS, .protection = PROT_NONE, .alias = -1 },
	{ .letter = 'f', .kind = KIND_FILE, .protection = PROT_READ, .shared = true, .object_pages = 3, .alias = -1 },
	{ .letter = 'p', .kind = KIND_FILE, .protection = PROT_READ | PROT_WRITE, .object_pages = 9, .alias = -1 },
	{ .letter = 's', .kind = KIND_STACK, .protection = PROT_READ | PROT_WRITE, .alias = -1 },
	{ .letter = 'h', .kind = KIND_HEAP, .protection = PROT_READ | PROT_WRITE, .alias = -1 },
	{ .letter = 'm', .kind = KIND_SHARED, .protection = PROT_READ | PROT_WRITE, .shared = true, .alias = -1 },
	{ .letter = 'p', .kind = KIND_HUGETLB, .protection = PROT_READ | PROT_WRITE, .alias = -1 },
};

enum { REGIONS = sizeof(regions) / sizeof(*regions), HUGE = REGIONS - 1 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check(const struct task *task)
{
	const struct mm *mm = task->mm;

	for (size_t i = 0; i < mm->count; i++) {
		require(mm->mappings[i].span.start < mm->mappings[i].span.end);
		require(mm->mappings[i].span.end <= mm->space);
		require(i == 0 || mm->mappings[i - 1].span.end <= mm->mappings[i].span.start);
		require(!(mm->mappings[i].flags & 2)); /* VMA_CHANGELOCK is gone when a call is over */
	}
	if (!mm->rules)
		return;
	require(mm->locked_vm == mm_locked_pages(mm, mm_everything(mm)));
	for (size_t page = mm->tabled; page < mm->space; page++) {
		require(mm->pages[page].resident || !mm->pages[page].borrowed);
		require(mm->has_table || !mm->pages[page].resident);
	}
}

/* A child ends before its parent goes on, and has no children. */
static void fork_or_leave(const struct system *system)
{
	const struct task *task = system->self;

	if (task->parent)
		system->leave(system->self, true);
	else
		system->fork(system->self);
}

/* Three bytes are a call: which, where, and more. Behind the pages of small ones lie huge ones. */
static void make(const struct system *system, unsigned long arena, const uint8_t *byte)
{
	static const int flags[] = { MCL_CURRENT, MCL_FUTURE, MCL_CURRENT | MCL_FUTURE, 8 };
	void *self = system->self;
	const size_t first = byte[1] % PAGES, pages = 1 + byte[1] / PAGES % (PAGES - first), to = byte[2] % PAGES;
	const unsigned long address = arena + first * PAGE, length = pages * PAGE, huge = arena + PAGES * PAGE;

	switch (byte[0] % 20) {
	case 0:
		system->mlock(self, address - byte[2] % 3, length + byte[2] % 5);
		break;
	case 1:
		system->munlock(self, address, length);
		break;
	case 2:
		system->mlockall(self, flags[byte[2] % 4]);
		break;
	case 3:
		system->munlockall(self);
		break;
	case 4:
		system->map(self, byte[2] % HUGE, address, pages, byte[2] % 5, byte[2] & 64);
		break;
	case 5:
		system->munmap(self, address, length);
		break;
	case 6:
		system->mprotect(self, address, length, byte[2] & 3);
		break;
	case 7:
		system->mlock2(self, address, length, byte[2] & 1 ? MLOCK_ONFAULT : 0);
		break;
	case 8:
		system->touch(self, address, pages);
		break;
	case 9:
		system->mremap(self, address, length, arena + to * PAGE, (1 + byte[2] / PAGES % (PAGES - to)) * PAGE);
		break;
	case 10:
		system->brk(self, address);
		break;
	case 11:
		system->madvise(self, address, length, MADV_DONTNEED);
		break;
	case 12:
		system->prepare_faults(self, byte[2] & 16, (enum allocations)(byte[2] / 32 % 3));
		system->arm(self, byte[2] % 16);
		break;
	case 13:
		system->map_locked(self, byte[2] % HUGE, address, pages, byte[2] % 5);
		break;
	case 14:
		fork_or_leave(system);
		break;
	case 15:
		system->exec(self, NULL, NULL, byte[2] & 1);
		break;
	case 16:
		system->guard(self, address, length);
		break;
	case 17:
		system->map(self, HUGE, huge, HUGE_PAGES, 0, false);
		break;
	case 18:
		system->munmap(self, huge + byte[1] * 128UL * PAGE, (1 + byte[2]) * 128UL * PAGE);
		break;
	case 19:
		system->mlock(self, huge + byte[1] % 9 * 128UL * PAGE, (1 + byte[2] % 9) * 128UL * PAGE);
		break;
	}
}

static void run(const char *model, const uint8_t *data, size_t size)
{
	struct system system;
	unsigned long arena;

	require(task_open(&system));
	model_calls_of(model)(&system);
	for (int i = 0; i < REGIONS; i++)
		require(system.declare(system.self, i, &regions[i]) == 0);
	require(system.reserve(system.self, PAGES + HUGE_PAGES, &arena) == 0);
	if (size > 0 && data[0] & 1) {
		system.limit_memlock(system.self, (uint64_t)(data[0] >> 1 & 15) * PAGE);
		system.become_unprivileged(system.self);
	}
	if (size > 0 && data[0] & 64)
		system.limit_mappings(system.self, data[0] >> 5);
	for (size_t at = 1; at + 3 <= size; at += 3) {
		make(&system, arena, data + at);
		check(system.self);
	}
	task_close(&system);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; lockproof_model_name(i); i++)
		run(lockproof_model_name(i), data, size);
	return 0;
}
