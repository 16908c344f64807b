/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "trial_mapping.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock_call.h"
#include "observe.h"

#ifdef SYS_mmap2
#define SYS_MMAP SYS_mmap2
#else
#define SYS_MMAP SYS_mmap
#endif

/* Its start is 0 where it cannot be mapped. */
static struct address_range map_pages(size_t count)
{
	const size_t length = count * page_size();
	long start = syscall(SYS_MMAP, NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L);

	if (start == -1)
		return (struct address_range){ 0, 0 };
	return (struct address_range){ (uintptr_t)start, (uintptr_t)start + length };
}

static void unmap(struct address_range pages)
{
	syscall(SYS_munmap, pages.start, pages.end - pages.start);
}

bool is_future_armed(bool otherwise)
{
	struct address_range page = map_pages(1);
	int said;

	if (!page.start) /* EAGAIN: locked memory would exceed its limit; other errors say nothing */
		return errno == EAGAIN || otherwise;
	said = ask_locked(page);
	unmap(page);
	return said == EBUSY || (said != 0 && otherwise);
}

bool has_room_for_mappings(void)
{
	struct address_range pages = map_pages(3);
	bool has;

	if (!pages.start)
		return false;
	has = syscall(SYS_mprotect, pages.start + page_size(), page_size(), PROT_READ) == 0;
	unmap(pages);
	return has;
}
