/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capabilities/trials.h"

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

static long try_kind(struct kernel *kernel, struct facts *facts, const struct trial *trial)
{
	size_t pages = least_pages(kernel, trial->kind);
	const struct region region = {
		.letter = 'a',
		.kind = trial->kind,
		.protection = PROT_READ | PROT_WRITE,
		.shared = is_shared(trial->kind),
		.object_pages = (long)pages,
		.alias = -1,
	};
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
	{ 0 },
};
