/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capabilities/trials.h"
#include "program/pages.h"

enum { ATTEMPTS = 4 };

static size_t least_pages(const struct kernel *kernel, enum kind kind)
{
	return kind == KIND_HUGETLB && kernel->huge_page_size ? kernel->huge_page_size / kernel->page_size : 1;
}

static bool is_shared(enum kind kind)
{
	switch (kind) {
	case KIND_ANONYMOUS:
	case KIND_HUGETLB:
	case KIND_STACK:
	case KIND_HEAP:
	case KIND_DROPPABLE:
		return false;
	default:
		return true;
	}
}

struct region trial_region(enum kind kind, int index, size_t pages)
{
	return (struct region){
		.letter = (char)('a' + index),
		.kind = kind,
		.protection = PROT_READ | PROT_WRITE,
		.shared = is_shared(kind),
		.object_pages = (long)pages,
		.alias = -1,
	};
}

static long try_kind(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	size_t pages = least_pages(kernel, trial->kind);
	const struct region region = trial_region(trial->kind, 0, pages);
	static struct kernel own; /* a stack may be small */
	unsigned long arena;
	long result;

	(void)facts;
	own = *kernel;
	result = kernel_declare(&own, 0, &region);
	if (!result)
		result = kernel_reserve(&own, pages, &arena);
	if (!result)
		result = kernel_map(&own, 0, arena, pages, 0, false);
	if (own.objects[0].file >= 0)
		close(own.objects[0].file);
	return result;
}

/* The kernel cannot write into a guard page either. */
static long try_guard(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	unsigned long page = trial_memory(kernel, 1);

	(void)trial;
	if (page && kernel_guard(kernel, page, kernel->page_size) == 0)
		facts->guard = uname((struct utsname *)page) < 0 && errno == EFAULT;
	return 0;
}

static bool becomes_huge(struct kernel *kernel, size_t pages)
{
	size_t size = kernel->thp_size, resident = 0;
	unsigned long memory = round_up(trial_memory(kernel, 2 * pages), size);
	unsigned char *is_there = (unsigned char *)trial_memory(kernel, pages / kernel->page_size + 1);

	if (!memory || !is_there || kernel_advise_huge(kernel, HUGE_ALWAYS, memory, pages) < 0)
		return false;
	*(volatile char *)memory = 1;
	if (mincore((void *)memory, size, is_there) < 0)
		return false;
	for (size_t page = 0; page < pages; page++)
		resident += is_there[page] & 1;
	return resident == pages;
}

/* Where one page is used, all are there. A kernel whose memory is in pieces may find none the first time. */
static long try_thp(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	size_t pages = kernel->thp_size / kernel->page_size;

	(void)trial;
	for (int attempt = 0; attempt < ATTEMPTS && pages && !facts->thp; attempt++) {
		if (becomes_huge(kernel, pages))
			facts->thp = pages;
	}
	return 0;
}

const struct trial trials_of_kinds[] = {
	{ .name = "anonymous", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_ANONYMOUS },
	{ .name = "file", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_FILE },
	{ .name = "shared", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_SHARED },
	{ .name = "shm", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_SHM },
	{ .name = "memfd", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_MEMFD },
	{ .name = "hugetlb", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_HUGETLB },
	{ .name = "secretmem", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_SECRETMEM },
	{ .name = "stack", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_STACK },
	{ .name = "sysv", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_SYSV },
	{ .name = "heap", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_HEAP },
	{ .name = "droppable", .about = ABOUT_KIND, .run = try_kind, .kind = KIND_DROPPABLE },
	{ .name = "guard", .about = ABOUT_FACT, .run = try_guard },
	{ .name = "thp", .about = ABOUT_FACT, .run = try_thp },
	{ 0 },
};
