/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_KERNEL_H
#define LOCKPROOF_KERNEL_KERNEL_H

#include <sys/mman.h>
#include <sys/resource.h>

#include "kernel/faults.h"
#include "kernel/filler.h"
#include "kernel/memory_limit.h"
#include "kernel/reclaim.h"
#include "program/program.h"
#include "program/system.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum residency { RESIDENCY_NONE, RESIDENCY_MINCORE, RESIDENCY_PAGEMAP };

/* What can be observed on this kernel. */
struct observers {
	bool smaps;	  /* of /proc: else maps */
	bool smaps_locks; /* VmFlags tell locked pages */
	bool msync;
	bool mappings;
	bool accounting;
	bool elsewhere;
	bool elsewhere_locks;
	bool page_faults;
	enum residency residency;
};

/* What tells mappings apart that would be merged. */
enum apart { APART_BY_DUMPING, APART_BY_POLICY, APART_BY_RESERVING, APART_WAYS };

struct object {
	struct region region;
	int file;    /* -1: none */
	int segment; /* of System V shared memory, the last one; -1: none */
};

/* Limits of the process that bear on what is tested: RLIMIT_MEMLOCK and so on. */
enum kept_limit { KEPT_MEMLOCK, KEPT_AS, KEPT_DATA, KEPT_STACK, LIMITS_KEPT };

/* The running kernel, seen from one process; what a child changes here is its own. */
struct kernel {
	size_t page_size;
	size_t huge_page_size; /* 0: none */
	size_t thp_size;       /* of what the kernel makes huge of its own accord; 0: it does not */
	long max_map_count;    /* -1: unknown */
	bool alone;	       /* the kernel was started for this process: nothing else runs on this kernel */
	struct counts start;   /* of the whole system, where alone */
	struct kernel_faults faults;
	struct memory_limit memory;
	struct reclaim reclaim;
	rlim_t limits[LIMITS_KEPT]; /* bytes, as the probe has made them */
	struct observers observers;
	struct filler filler;
	enum apart apart;
	struct object objects[MAX_REGIONS];
	bool uses_huge_pages, wants_thp, uses_heap, uses_stack;
	unsigned long arena;
	size_t pages;
	long touch_faults; /* page faults of the last touch */
	const char *explanation;

	/* Of the process that is observed, in a guest open from its first snapshot on; -1: not open. */
	int smaps_file, status_file;

	int handover_file; /* for what a new image is left; -1: none can be made */
	int progress_file; /* progress.h */
};

/* Asks the kernel for the sizes; knows nothing of what can be seen. `alone`: as in struct kernel. */
void kernel_start(struct kernel *kernel, bool alone);

/* Leaves the kernel's settings as they were. */
void kernel_stop(struct kernel *kernel);

/* The table of calls of the running kernel; as system calls, also where the other table goes through a libc. */
struct system kernel_raw_system(struct kernel *kernel);
struct system kernel_system(struct kernel *kernel);

/* mmap as a raw system call; the address or a negative errno. */
long kernel_mmap(unsigned long address, size_t length, int protection, int flags, int file, size_t page,
		 size_t page_size);

/* Whether a result of mmap is an error. */
bool kernel_is_error(long result);

/* layout.c */
long kernel_reserve(void *self, size_t pages, unsigned long *address);
long kernel_declare(void *self, int index, const struct region *region);
long kernel_map(void *self, int region, unsigned long address, size_t pages, size_t object_page, bool apart);
long kernel_map_locked(void *self, int region, unsigned long address, size_t pages, size_t object_page);
/* Flags for an mmap, and what is to be done afterwards, so that the mapping does not merge with one that has neither. */
int kernel_apart_flags(const struct kernel *kernel);
void kernel_set_apart(const struct kernel *kernel, unsigned long address, size_t length);
long kernel_brk(void *self, unsigned long end);
long kernel_ftruncate(void *self, int region, size_t pages);
long kernel_shmctl(void *self, int region, int command);
long kernel_guard(void *self, unsigned long address, size_t length);
long kernel_advise_huge(void *self, enum huge_wish wish, unsigned long address, size_t pages);

/* limits.c */
/* Raises limits as high as they go, and keeps what they are. */
void kernel_raise_limits(struct kernel *kernel);
/* The name of a limit that is no longer what it was made: somebody else has changed it. NULL: there is none. */
const char *kernel_limit_changed(void *self);
long kernel_limit_memlock(void *self, uint64_t bytes);
long kernel_setrlimit(void *self, uint64_t soft, uint64_t hard);
long kernel_become_unprivileged(void *self);
/* Whether the kernel lets this process lock more than RLIMIT_MEMLOCK. Read, not tried. */
bool kernel_may_lock_beyond_limits(void);

/* observe.c */
/* In a process that is another one than before, with memory of its own. */
void kernel_observe_anew(struct kernel *kernel);
void kernel_observe(void *self, unsigned long arena, struct snapshot *snapshot);

/* touch.c */
long kernel_touch(void *self, unsigned long address, size_t pages);
long kernel_page_faults(void *self);

#endif
