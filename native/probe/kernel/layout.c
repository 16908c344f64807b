/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/files.h"
#include "kernel/filler.h"
#include "program/pages.h"
#include "program/text.h"

enum {
	/* Of mbind(2), as in linux/mempolicy.h: MPOL_PREFERRED, and how many bits there are in its mask. */
	PREFERRED_POLICY = 1,
	NODES = 2,
	/* MAP_DROPPABLE of Linux 6.11: a type of mapping beside private and shared. */
	DROPPABLE = 8,
};

static size_t arena_unit(const struct kernel *kernel)
{
	size_t unit = kernel->page_size;

	if (kernel->uses_huge_pages && kernel->huge_page_size > unit)
		unit = kernel->huge_page_size;
	if (kernel->wants_thp && kernel->thp_size > unit)
		unit = kernel->thp_size;
	return unit;
}

/* Within one page table if it has room: it is not for the place, which the kernel draws, how many a call has to allocate. */
static unsigned long within_table(unsigned long address, size_t length, size_t page_size)
{
	const size_t table = page_size * (page_size / sizeof(uint64_t));

	if (length > table || address % table + length <= table)
		return address;
	return round_up(address, table);
}

/*
 * The arena lies in the middle of free address space: wherever the kernel
 * starts to look for room for the filler of limit_mappings, it does not come
 * near the arena. With memory of kind heap it begins where the heap ends.
 */
long kernel_reserve(void *self, size_t pages, unsigned long *address)
{
	struct kernel *kernel = self;
	size_t page_size = kernel->page_size;
	size_t unit = arena_unit(kernel);
	size_t fence = round_up(filler_size(kernel) + page_size, unit);
	size_t wanted = pages * page_size, length = 2 * wanted + 2 * fence + unit;
	long start;

	if (kernel->uses_stack && wanted > kernel->limits[KEPT_STACK]) {
		kernel->explanation = "RLIMIT_STACK lets no stack grow over all of it";
		return -ENOMEM;
	}
	if (kernel->uses_heap) {
		start = syscall(SYS_brk, 0);
		kernel->arena = round_up((unsigned long)start + page_size, unit);
		kernel->pages = pages;
		*address = kernel->arena;
		return 0;
	}
	start = kernel_mmap(0, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, page_size);
	if (kernel_is_error(start))
		return start;
	munmap((void *)start, length);
	kernel->arena = within_table(round_up((unsigned long)start + fence, unit), wanted, page_size);
	kernel->pages = pages;
	*address = kernel->arena;
	return 0;
}

static long open_secretmem(void)
{
#ifdef SYS_memfd_secret
	int file = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	return file < 0 ? -errno : file;
#else
	return -ENOSYS;
#endif
}

static long open_object(enum kind kind)
{
	switch (kind) {
	case KIND_FILE:
		return file_in_folder();
	case KIND_SHM:
		return file_of_shm();
	case KIND_MEMFD:
		return file_in_memory();
	case KIND_SECRETMEM:
		return open_secretmem();
	default:
		return -EINVAL;
	}
}

static bool has_file(enum kind kind)
{
	return kind == KIND_FILE || kind == KIND_SHM || kind == KIND_MEMFD || kind == KIND_SECRETMEM;
}

/* mincore tells the truth about a file only to those who may write to it, also after a change of user. */
static long make_object(const struct kernel *kernel, const struct region *region)
{
	long file = open_object(region->kind);
	int error;

	if (file < 0)
		return file;
	if (region->kind != KIND_SECRETMEM)
		fchmod((int)file, 0666);
	if (ftruncate((int)file, (off_t)region->object_pages * (off_t)kernel->page_size) < 0) {
		error = errno;
		close((int)file);
		return -error;
	}
	return file;
}

long kernel_declare(void *self, int index, const struct region *region)
{
	struct kernel *kernel = self;
	struct object *object = &kernel->objects[index];
	long file;

	object->region = *region;
	object->file = object->segment = -1;
	if (region->kind == KIND_HUGETLB)
		kernel->uses_huge_pages = true;
	if (region->huge == HUGE_ALWAYS)
		kernel->wants_thp = true;
	if (region->kind == KIND_HEAP)
		kernel->uses_heap = true;
	if (region->kind == KIND_STACK)
		kernel->uses_stack = true;
	if (region->alias >= 0) {
		object->file = kernel->objects[region->alias].file;
	} else if (has_file(region->kind)) {
		file = make_object(kernel, region);
		if (file < 0)
			return file;
		object->file = (int)file;
	}
	return 0;
}

static int mapping_flags(const struct object *object)
{
	int flags = object->region.shared ? MAP_SHARED : MAP_PRIVATE;

	if (object->file < 0)
		flags |= MAP_ANONYMOUS;
	if (object->region.kind == KIND_HUGETLB)
		flags |= MAP_HUGETLB;
	if (object->region.kind == KIND_STACK)
		flags |= MAP_GROWSDOWN;
	if (object->region.kind == KIND_DROPPABLE)
		flags = DROPPABLE | MAP_ANONYMOUS;
	return flags;
}

long kernel_brk(void *self, unsigned long end)
{
	(void)self;
	return (unsigned long)syscall(SYS_brk, end) == end ? 0 : -ENOMEM;
}

/* The heap grows page by page from where it ended, so what it grew over before the first of these pages goes. */
static long map_heap(unsigned long address, size_t length)
{
	unsigned long start = (unsigned long)syscall(SYS_brk, 0);
	long result = kernel_brk(NULL, address);

	if (result < 0 || address < start)
		return result < 0 ? result : -EINVAL;
	if (address > start)
		munmap((void *)start, address - start);
	return kernel_brk(NULL, address + length);
}

/* A segment of its own, which nobody else finds and of which no trace remains. */
static long attach_segment(struct object *object, unsigned long address, size_t length)
{
	int protection = object->region.protection;
	int flags = SHM_REMAP | (protection & PROT_WRITE ? 0 : SHM_RDONLY) | (protection & PROT_EXEC ? SHM_EXEC : 0);
	int segment = shmget(IPC_PRIVATE, length, IPC_CREAT | 0666);
	long result = 0;

	if (segment < 0)
		return -errno;
	if (shmat(segment, (void *)address, flags) == (void *)-1)
		result = -errno;
	shmctl(segment, IPC_RMID, NULL);
	object->segment = segment;
	return result;
}

long kernel_ftruncate(void *self, int region, size_t pages)
{
	const struct kernel *kernel = self;

	return ftruncate(kernel->objects[region].file, (off_t)pages * (off_t)kernel->page_size) < 0 ? -errno : 0;
}

long kernel_shmctl(void *self, int region, int command)
{
	const struct kernel *kernel = self;

	return shmctl(kernel->objects[region].segment, command, NULL) < 0 ? -errno : 0;
}

/* Memory that comes with a protection of its own. */
static long protect(long result, unsigned long address, size_t length, int protection, int own)
{
	if (result == 0 && protection != own && mprotect((void *)address, length, protection) < 0)
		return -errno;
	return result;
}

static long map_with(struct kernel *kernel, int region, unsigned long address, size_t pages, size_t object_page,
		     int flags)
{
	struct object *object = &kernel->objects[region];
	int protection = object->region.protection;
	size_t length = pages * kernel->page_size;

	switch (object->region.kind) {
	case KIND_HEAP:
		return protect(map_heap(address, length), address, length, protection, PROT_READ | PROT_WRITE);
	case KIND_SYSV:
		return protect(attach_segment(object, address, length), address, length, protection,
			       protection | PROT_READ);
	default:
		return kernel_mmap(address, length, protection, mapping_flags(object) | MAP_FIXED | flags, object->file,
				   object->file < 0 ? 0 : object_page, kernel->page_size);
	}
}

long kernel_map_locked(void *self, int region, unsigned long address, size_t pages, size_t object_page)
{
	long result = map_with(self, region, address, pages, object_page, MAP_LOCKED);

	return kernel_is_error(result) ? result : 0;
}

/*
 * Mappings that differ in MADV_DONTDUMP do not merge on Linux. gVisor takes no
 * notice of that, but of a memory policy, which on Linux would be one more thing
 * to allocate; QEMU hands only the flags of a mapping on to the kernel below it.
 */
int kernel_apart_flags(const struct kernel *kernel)
{
	return kernel->apart == APART_BY_RESERVING ? MAP_NORESERVE : 0;
}

void kernel_set_apart(const struct kernel *kernel, unsigned long address, size_t length)
{
	const unsigned long first_node = 1;

	if (kernel->apart == APART_BY_DUMPING)
		madvise((void *)address, length, MADV_DONTDUMP);
	else if (kernel->apart == APART_BY_POLICY)
		syscall(SYS_mbind, address, length, PREFERRED_POLICY, &first_node, NODES, 0);
}

long kernel_map(void *self, int region, unsigned long address, size_t pages, size_t object_page, bool apart)
{
	struct kernel *kernel = self;
	long result = map_with(kernel, region, address, pages, object_page, apart ? kernel_apart_flags(kernel) : 0);

	if (kernel_is_error(result))
		return result;
	if (apart)
		kernel_set_apart(kernel, address, pages * kernel->page_size);
	return 0;
}

long kernel_guard(void *self, unsigned long address, size_t length)
{
	(void)self;
	return madvise((void *)address, length, MADV_GUARD_INSTALL) < 0 ? -errno : 0;
}

/* EINVAL: a kernel without huge pages of its own accord, or memory that it has none for. */
long kernel_advise_huge(void *self, enum huge_wish wish, unsigned long address, size_t pages)
{
	const struct kernel *kernel = self;

	if (madvise((void *)address, pages * kernel->page_size, wish == HUGE_ALWAYS ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) <
		    0 &&
	    errno != EINVAL)
		return -errno;
	return 0;
}
