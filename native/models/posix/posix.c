/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory locking as POSIX.1-2024 has it; requirements are named as in
 * cases/requirements.yaml. Where the standard leaves a choice, the comment says
 * which one is made; calls and flags that only Linux knows follow man-pages.
 *
 * No call that fails changes anything (mlock.failure.no-change and its like):
 * draft.h says how.
 */
#define _GNU_SOURCE /* MLOCK_ONFAULT */
#include "posix/posix.h"

#include <errno.h>
#include <sys/mman.h>

#include "posix/draft.h"

/* Appropriate privilege is what Linux makes it: without CAP_IPC_LOCK, a limit above 0. */
static bool may_lock(const struct task *task)
{
	return task->privileged || task->memlock > 0;
}

/*
 * mlock.whole-pages, munlock.whole-pages; mlock.alignment: any address will do.
 * What wraps around cannot be mapped throughout.
 */
static bool is_mapped(const struct task *task, unsigned long address, size_t length, struct span *span)
{
	*span = span_of_any_part(address, length);
	return span->start < span->end && mm_is_mapped(task->mm, *span);
}

/* Pages that the object behind a mapping does not have are mapped, but not validly. */
static bool is_validly_mapped(const struct task *task, unsigned long address, size_t length, struct span *span)
{
	return is_mapped(task, address, length, span) && mm_is_backed(task->mm, *span);
}

/* Locks the span of the draft: mlock and mlockall list the same errors for it. */
static long lock_span(const struct task *task, struct span span, enum lock lock)
{
	mm_set_lock(task->draft, span, lock);
	if (!draft_within_memlock(task))
		return -ENOMEM; /* mlock.enomem.limit, mlockall.enomem.limit */
	if (!draft_within_map_count(task))
		return -ENOMEM; /* mlock.mapping-limit, linux.mapping-limit: a limit too */
	if (!draft_allocate_mappings(task))
		return -EAGAIN; /* mlock.eagain, mlockall.eagain */
	if (lock == LOCK_EAGER && !mm_populate(task->draft, span))
		return -EAGAIN; /* the same, for mlock.locked-and-resident, mlockall.locked-and-resident */
	return 0;
}

static long lock_pages(struct task *task, unsigned long address, size_t length, enum lock lock)
{
	struct span span;
	long error;

	if (length == 0)
		return 0; /* mlock.empty-range */
	if (!may_lock(task))
		return -EPERM; /* mlock.privilege, mlock.eperm */
	if (!is_validly_mapped(task, address, length, &span))
		return -ENOMEM; /* mlock.enomem.unmapped */

	draft_begin(task);
	error = lock_span(task, span, lock);
	return error ? error : draft_commit(task);
}

static long call_mlock(void *self, unsigned long address, size_t length)
{
	return lock_pages(self, address, length, LOCK_EAGER);
}

/* mlock2(2): with MLOCK_ONFAULT pages become resident when they are used. */
static long call_mlock2(void *self, unsigned long address, size_t length, int flags)
{
	const int on_fault = MLOCK_ONFAULT;

	if (flags & ~on_fault)
		return -EINVAL;
	return lock_pages(self, address, length, flags & on_fault ? LOCK_ON_FAULT : LOCK_EAGER);
}

/*
 * munlock.no-nesting: a page has one lock or none, however many calls made it.
 * munlock.other-mappings: it is the mapping's, not the object's;
 * munlock.other-processes: and the mapping is the process's.
 */
static long call_munlock(void *self, unsigned long address, size_t length)
{
	struct task *task = self;
	struct span span;

	if (length == 0)
		return 0; /* mlock.empty-range */
	if (!is_validly_mapped(task, address, length, &span))
		return -ENOMEM; /* munlock.enomem.unmapped */

	mm_set_lock(draft_begin(task), span, LOCK_NONE); /* munlock.unlocks */
	if (!draft_within_map_count(task))
		return -ENOMEM; /* linux.mapping-limit */
	if (!draft_allocate_mappings(task))
		return -EAGAIN; /* not listed for munlock, which may fail for other reasons: the one of mlock.eagain */
	return draft_commit(task);
}

static long call_mlockall(void *self, int flags)
{
	struct task *task = self;
	enum lock lock = flags & MCL_ONFAULT ? LOCK_ON_FAULT : LOCK_EAGER;
	struct mm *draft;

	if (!(flags & (MCL_CURRENT | MCL_FUTURE)) || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		return -EINVAL; /* mlockall.einval; mlockall(2): MCL_ONFAULT goes with one of the others */
	if (!may_lock(task))
		return -EPERM; /* mlockall.privilege */

	draft = draft_begin(task);
	draft->future = flags & MCL_FUTURE ? lock : LOCK_NONE; /* mlockall.rearm: cancelled by MCL_CURRENT alone */
	if (flags & MCL_CURRENT) {
		long error = lock_span(task, mm_everything(draft), lock); /* mlockall.current */

		if (error)
			return error; /* mlockall.failure.no-additional, .existing and .future: no change */
	}
	return draft_commit(task);
}

/* munlockall.always-zero: mappings only merge, so that nothing has to be allocated. */
static long call_munlockall(void *self)
{
	struct mm *draft = draft_begin(self);

	mm_set_lock(draft, mm_everything(draft), LOCK_NONE); /* munlockall.unlocks-all */
	draft->future = LOCK_NONE;			     /* munlockall.cancels-future */
	return draft_commit(self);
}

/* mmap with MAP_FIXED; mmap.failed-map-fixed: a failure unmaps nothing. */
static long map(struct task *task, struct mapping mapping, enum lock lock)
{
	struct span span = mapping.span;
	size_t pages = span.end - span.start;
	struct mm *draft;

	if (pages == 0)
		return -EINVAL;
	if (span.end > task->mm->space)
		return -ENOMEM;

	draft = draft_begin(task);
	mapping.lock = lock;
	if (mapping.kind == KIND_HEAP)
		draft->heap = span;
	mm_map(draft, &mapping);
	mm_merge(draft);
	if (!draft_within_map_count(task))
		return -EMFILE;
	if (!draft_allocate_mappings(task))
		return lock == LOCK_NONE ? -ENOMEM : -EAGAIN; /* mmap.eagain */
	if (lock != LOCK_NONE && !draft_within_memlock(task))
		return -EAGAIN; /* mlockall.future-over-limit */
	if (lock == LOCK_EAGER && !mm_populate(draft, span))
		return -EAGAIN; /* mmap.eagain */
	return draft_commit(task);
}

static long call_mmap(void *self, int region, unsigned long address, size_t pages, size_t object_page, bool apart)
{
	struct task *task = self;
	struct mapping mapping = task_mapping(task, region, address, pages, object_page);

	mapping.apart = apart;
	return map(task, mapping, task->mm->future); /* mlockall.future */
}

/* linux.map-locked: populated as well, where mmap(2) only tries to. */
static long call_map_locked(void *self, int region, unsigned long address, size_t pages, size_t object_page)
{
	struct task *task = self;

	if (!may_lock(task))
		return -EPERM;
	return map(task, task_mapping(task, region, address, pages, object_page), LOCK_EAGER);
}

static long call_munmap(void *self, unsigned long address, size_t length)
{
	struct task *task = self;
	const struct span span = span_of_any_part(address, length);

	if (span.start == span.end)
		return -EINVAL;

	mm_unmap(draft_begin(task), span); /* munmap.removed */
	if (!draft_within_map_count(task) || !draft_allocate_mappings(task))
		return -ENOMEM;
	return draft_commit(task);
}

/* mlock.until-unlocked: locks stay whatever the protection becomes. */
static long call_mprotect(void *self, unsigned long address, size_t length, int protection)
{
	struct task *task = self;
	struct mm *draft;
	struct span span;

	if (protection & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
		return -EINVAL;
	if (length == 0)
		return 0;
	if (!is_mapped(task, address, length, &span))
		return -ENOMEM;

	draft = draft_begin(task);
	mm_split(draft, span);
	for (struct mapping *m = mm_find(draft, span.start); mm_meets(draft, m, span); m++)
		m->protection = protection;
	mm_merge(draft);
	if (!draft_within_map_count(task) || !draft_allocate_mappings(task))
		return -ENOMEM;
	return draft_commit(task);
}

/* "Either MS_ASYNC or MS_SYNC shall be specified, but not both." */
static long call_msync(void *self, unsigned long address, size_t length, int flags)
{
	const struct task *task = self;
	struct span span;

	if (flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE) || !(flags & MS_ASYNC) == !(flags & MS_SYNC))
		return -EINVAL;
	if (length == 0)
		return 0;
	if (!is_mapped(task, address, length, &span))
		return -ENOMEM;
	if (flags & MS_INVALIDATE && mm_locked_pages(task->mm, span) > 0)
		return -EBUSY; /* msync.ebusy */
	return 0;
}

/* madvise(2); what it refuses of one mapping it refuses of all. */
static long call_madvise(void *self, unsigned long address, size_t length, int advice)
{
	struct task *task = self;
	struct span span;
	struct mm *draft;

	if (length == 0)
		return 0;
	if (!is_mapped(task, address, length, &span))
		return -ENOMEM;

	draft = draft_begin(task);
	for (const struct mapping *m = mm_find(draft, span.start); mm_meets(draft, m, span); m++) {
		long error = task_advise(draft, m, mm_overlap(m, span), advice);

		if (error)
			return error;
	}
	return draft_commit(task);
}

/* fork.parent-keeps: the parent's mm waits until the child leaves; exit.removed: locks end with the child's. */
static long call_fork(void *self)
{
	struct task *task = self;

	if (!task_fork(task))
		return -ENOMEM;
	call_munlockall(task); /* fork.not-inherited */
	return 0;
}

/* exec.removed; exec.failure: an exec that fails changes nothing. */
static long call_exec(void *self, const struct program *program, const struct resume *resume, bool missing)
{
	struct task *task = self;
	struct mm *draft = draft_begin(task);

	(void)program;
	(void)resume;
	if (missing)
		return -ENOENT;
	mm_unmap(draft, mm_everything(draft));
	draft->heap = (struct span){ 0 };
	draft->future = LOCK_NONE;
	task_map_own(task, draft);
	return draft_commit(task);
}

void posix_calls(struct system *system)
{
	system->map = call_mmap;
	system->mlock = call_mlock;
	system->mlock2 = call_mlock2;
	system->munlock = call_munlock;
	system->mlockall = call_mlockall;
	system->munlockall = call_munlockall;
	system->munmap = call_munmap;
	system->mprotect = call_mprotect;
	system->madvise = call_madvise;
	system->msync = call_msync;
	system->fork = call_fork;
	system->exec = call_exec;
	system->map_locked = call_map_locked;
	system->mremap = resize_mremap;
	system->mremap_and_stay = resize_mremap_and_stay;
	system->brk = resize_brk;
	system->touch = resize_touch;
}
