/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_SYSTEM_H
#define LOCKPROOF_PROGRAM_SYSTEM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "program/snapshot.h"

enum kind {
	KIND_ANONYMOUS,
	KIND_FILE,
	KIND_SHARED,
	KIND_SHM,
	KIND_MEMFD,
	KIND_HUGETLB,
	KIND_SECRETMEM,
	KIND_STACK,
	KIND_SYSV,
	KIND_HEAP,
	KIND_DROPPABLE,
	KIND_COUNT
};

/* Whether the kernel may use huge pages of its own accord. */
enum huge_wish { HUGE_AS_IT_IS, HUGE_ALWAYS, HUGE_NEVER };

/* Memory that a letter of the map stands for. */
struct region {
	char letter;
	enum kind kind;
	int protection; /* PROT_READ | PROT_WRITE | PROT_EXEC */
	bool shared;
	long object_pages; /* length of the file behind it, in pages */
	int alias;	   /* index of the region whose object it shares, or -1 */
	enum huge_wish huge;
};

/* Which allocations are counted and fail: of slab objects, of pages, or of both. */
enum allocations { ANY_ALLOCATION, SLAB_ALLOCATION, PAGE_ALLOCATION };

/* What the whole system has, not only the process; fewer than none where the kernel has counted wrong. */
#define COUNT_UNSEEN LONG_MIN
struct counts {
	long mlocked;  /* pages */
	long vm_areas; /* objects */
};

/* Where a new process image takes up the program again. */
struct resume {
	unsigned long arena;
	unsigned long fault; /* the allocation of the swept call that fails; 0: none */
	int step;	     /* the exec that made it */
	int end;	     /* the first step that is not its own */
};

/* What a child that shares its parent's memory does: it exits, or executes this program, or one that is not there. */
enum child_image { CHILD_EXITS, CHILD_SELF, CHILD_MISSING };

enum { MOST_AT_ONCE = 4 }; /* that make calls at the same time */

struct program;

/*
 * The system under test: the running kernel or a model of one. The interpreter
 * makes every call through this table and knows nothing else about it.
 * Addresses are absolute. Calls return 0 or more, or a negative errno; -ENOSYS
 * means that the system has no such call. `self` is the system's own state.
 */
struct system {
	void *self;
	size_t page_size;

	/* Set-up. `reserve` gives the address of an arena with unmapped fences; all regions are declared before. */
	long (*reserve)(void *self, size_t pages, unsigned long *address);
	long (*declare)(void *self, int index, const struct region *region);
	long (*map)(void *self, int region, unsigned long address, size_t pages, size_t object_page, bool apart);
	long (*guard)(void *self, unsigned long address, size_t length);
	/* Right after the map; NULL: takes no notice. */
	long (*advise_huge)(void *self, enum huge_wish wish, unsigned long address, size_t pages);
	long (*limit_memlock)(void *self, uint64_t bytes); /* UINT64_MAX: unlimited */
	long (*limit_mappings)(void *self, long slack);
	/* In force from here on, but during system calls only; before the privileges go. NULL: no provider. */
	long (*limit_memory)(void *self, size_t pages);
	long (*become_unprivileged)(void *self);
	/* More about the set-up call that failed last, or NULL; may itself be NULL. */
	const char *(*explain)(void *self);
	/* A limit that others have changed since, or NULL; may itself be NULL. */
	const char *(*limit_changed)(void *self);

	/* The calls under test, with the system's own flag values. */
	long (*mlock)(void *self, unsigned long address, size_t length);
	long (*mlock2)(void *self, unsigned long address, size_t length, int flags);
	long (*munlock)(void *self, unsigned long address, size_t length);
	long (*mlockall)(void *self, int flags);
	long (*munlockall)(void *self);
	long (*munmap)(void *self, unsigned long address, size_t length);
	long (*mprotect)(void *self, unsigned long address, size_t length, int protection);
	long (*madvise)(void *self, unsigned long address, size_t length, int advice);
	long (*msync)(void *self, unsigned long address, size_t length, int flags);
	/* More than 0: in a model, the signal that the access gets; a kernel delivers it. */
	long (*touch)(void *self, unsigned long address, size_t pages);
	/* That the last touch took; -1: cannot be seen. */
	long (*page_faults)(void *self);
	/* As `map`, with MAP_LOCKED. */
	long (*map_locked)(void *self, int region, unsigned long address, size_t pages, size_t object_page);
	/* In place where both addresses are the same, else to exactly the new one. */
	long (*mremap)(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length);
	/* As `mremap` to another address, with MREMAP_DONTUNMAP: what was there stays, without its pages. */
	long (*mremap_and_stay)(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length);
	/* Moves the end of the memory of kind heap. */
	long (*brk)(void *self, unsigned long end);
	/* RLIMIT_MEMLOCK, bytes; UINT64_MAX: unlimited. */
	long (*setrlimit)(void *self, uint64_t soft, uint64_t hard);
	/* The object behind a region gets so many pages. */
	long (*ftruncate)(void *self, int region, size_t pages);
	/* SHM_LOCK or SHM_UNLOCK of the segment that was mapped last of a region of kind sysv. */
	long (*shmctl)(void *self, int region, int command);

	/*
	 * A new image of this program, or of a file that is not there. Returns when
	 * that fails, and in a model; a kernel's new image goes on with interpret_resume().
	 */
	long (*exec)(void *self, const struct program *program, const struct resume *resume, bool missing);
	/* For a thread that will run; before all else, as it takes memory. NULL: needs none. */
	long (*make_thread_stack)(void *self);
	/* Runs it in another thread of the process, and waits for that. */
	long (*thread)(void *self, void (*run)(void *argument), void *argument);

	/* Of those that make calls at the same time; before all else, as they take memory. NULL: needs none. */
	long (*make_threads)(void *self, int count);
	/*
	 * Each of them makes the call of its number so many times, all at the same time: in a model one after the other,
	 * in the order of that number, the first thread first where it is 0. Waits for all.
	 */
	long (*at_once)(void *self, int threads, int times, unsigned long order,
			void (*call)(void *argument, int thread), void *argument);

	/* A child of vfork, which shares the memory, exits or executes a program; returns when it is gone. */
	long (*vfork)(void *self, enum child_image image);
	long (*posix_spawn)(void *self, enum child_image image);

	/* 0: now in the child; more than 0: in the parent, after the child ended. */
	long (*fork)(void *self);
	/* Ends the child; its parent goes on where all was well. Returns only in a model, which is then the parent again. */
	void (*leave)(void *self, bool well);

	/* Faults; NULL: no provider. Prepared before the privileges go: with `persistent` all later ones fail too. */
	long (*prepare_faults)(void *self, bool persistent, enum allocations which);
	/* Makes the nth of these allocations of the next call fail. */
	long (*arm)(void *self, unsigned long n);
	/* Disarms; whether that allocation was reached: 1 or 0, or -errno where that is not known. */
	long (*injected)(void *self);
	/* The names of the functions that asked for it, innermost first, each ended by a zero byte; how many. */
	int (*stack)(void *self, char *names, size_t size);

	/* Around each system call under test, where a limit is in force for it only; both may be NULL. */
	void (*enter)(void *self);
	void (*exit)(void *self);

	/* Waits until nothing of earlier programs is left; the system's counts at its start and now. NULL: cannot. */
	long (*settle)(void *self, struct counts *start, struct counts *now);

	/* Before memory is mapped that `reclaim` is to take; NULL: needs nothing. */
	long (*prepare_reclaim)(void *self);
	/* Takes all memory from the process that it can take. NULL: cannot. */
	long (*reclaim)(void *self);

	void (*observe)(void *self, unsigned long arena, struct snapshot *snapshot);
};

#endif
