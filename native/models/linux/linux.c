/* SPDX-License-Identifier: Apache-2.0 */

/* Written from man-pages and from what kernels were seen to do. */
#include "linux/linux.h"

#include <errno.h>
#include <sys/mman.h>

bool linux_may_lock(const struct task *task)
{
	return task->privileged || task->memlock > 0;
}

uint64_t linux_lock_limit(const struct task *task)
{
	return task->memlock >> PAGE_SHIFT;
}

bool linux_may_lock_more(const struct task *task, uint64_t pages)
{
	return task->privileged || task->mm->locked_vm + pages <= linux_lock_limit(task);
}

long linux_check_mlockall(const struct task *task, int flags, int known)
{
	const struct mm *mm = task->mm;

	if (!(flags & (MCL_CURRENT | MCL_FUTURE)) || flags & ~known)
		return -EINVAL;
	if (!linux_may_lock(task))
		return -EPERM;
	if (flags & MCL_CURRENT && !task->privileged && mm_mapped_pages(mm, mm_everything(mm)) > linux_lock_limit(task))
		return -ENOMEM;
	return 0;
}

static long pass_over_on_fault(const struct mm *mm, const struct mapping *m, struct span batch)
{
	return mm->rules->on_fault_is_tried && m->protection == PROT_NONE ? -EFAULT : (long)(batch.end - batch.start);
}

long linux_populate(struct mm *mm, struct span span, bool ignore_errors)
{
	while (span.start < span.end) {
		int vma = vma_find(mm, span.start);
		const struct mapping *m = mm->mappings + vma;
		struct span batch;
		long done;

		if (vma == (int)mm->count || m->span.start >= span.end)
			break;
		batch = mm_overlap(m, span);
		done = m->lock == LOCK_ON_FAULT ? pass_over_on_fault(mm, m, batch) : vma_populate(mm, vma, batch);
		if (done < 0 && !ignore_errors)
			return done;
		span.start = done < 0 ? batch.end : batch.start + (size_t)done;
	}
	return 0;
}

long linux_make_pages_present(struct mm *mm, int vma, struct span span)
{
	long done = vma_populate(mm, vma, span);

	if (done < 0)
		return done;
	return (size_t)done == span.end - span.start ? 0 : -1;
}

void linux_bring_in(struct mm *mm, struct span span)
{
	if (mm->rules->lock_on_fault)
		linux_populate(mm, span, true);
	else
		linux_make_pages_present(mm, vma_find(mm, span.start), span);
}

static long reserve(void *self, size_t pages, unsigned long *address)
{
	struct task *task = self;
	long error = task_reserve(task, pages, address);

	if (error)
		return error;
	task->mm->rules = task->rules;
	task->mm->tabled = ARENA_PAGE;
	return 0;
}

/* What the task has mapped without asking mmap is as mmap would have made it. */
static bool is_accountable(const struct mapping *mapping)
{
	return !mapping->shared && mapping->protection & PROT_WRITE && mapping->kind != KIND_HUGETLB;
}

bool linux_is_special(enum kind kind)
{
	return kind == KIND_HUGETLB || kind == KIND_DROPPABLE;
}

long linux_map(struct task *task, struct mapping mapping, enum lock lock)
{
	struct mm *mm = task->mm;
	const struct span span = mapping.span;
	const size_t pages = span.end - span.start;
	const bool replaces = mm_mapped_pages(mm, span) > 0;

	if (pages == 0)
		return -EINVAL;
	if (span.end > mm->space || mm->count > mm->limit)
		return -ENOMEM;
	if (lock != LOCK_NONE && !linux_may_lock_more(task, pages))
		return -EAGAIN;
	if (linux_is_special(mapping.kind) && mm->rules->skips_special)
		lock = LOCK_NONE;
	mapping.lock = lock;
	mapping.flags = is_accountable(&mapping) ? VMA_ACCOUNT : 0;
	if ((mm->rules->mmap_takes_first && !mm_allocate(mm, 0)) || vma_unmap(mm, span))
		return -ENOMEM;
	if (mapping.kind == KIND_HEAP)
		mm->heap = span;
	if (vma_merge_new(mm, &mapping, replaces) < 0) {
		if (!mm_allocate(mm, 0))
			return -ENOMEM;
		if (mapping.kind == KIND_SHARED && !mm_allocate(mm, 0))
			return -ENOSPC; /* its inode */
		mm_map(mm, &mapping);
	}
	if (lock == LOCK_NONE)
		return 0;
	mm->locked_vm += pages;
	linux_bring_in(mm, span);
	return 0;
}

static long call_mmap(void *self, int region, unsigned long address, size_t pages, size_t object_page, bool apart)
{
	struct task *task = self;
	struct mapping mapping = task_mapping(task, region, address, pages, object_page);

	mapping.apart = apart;
	return linux_map(task, mapping, task->mm->future);
}

static long call_map_locked(void *self, int region, unsigned long address, size_t pages, size_t object_page)
{
	struct task *task = self;
	const enum lock lock = task->mm->future == LOCK_ON_FAULT ? LOCK_ON_FAULT : LOCK_EAGER;

	if (!linux_may_lock(task))
		return -EPERM;
	return linux_map(task, task_mapping(task, region, address, pages, object_page), lock);
}

/* The pages of calls that want an address that is aligned; false where it is not, or the range leaves the space. */
static bool aligned(const struct task *task, unsigned long address, size_t length, struct span *span)
{
	const unsigned long top = (unsigned long)task->mm->space << PAGE_SHIFT;

	*span = (struct span){ address >> PAGE_SHIFT, round_up(address + length, PAGE_BYTES) >> PAGE_SHIFT };
	return address % PAGE_BYTES == 0 && address <= top && length <= top - address;
}

static long call_munmap(void *self, unsigned long address, size_t length)
{
	struct task *task = self;
	struct span span;

	if (!aligned(task, address, length, &span) || length == 0)
		return -EINVAL;
	return vma_unmap(task->mm, span);
}

static unsigned account_of(const struct mm *mm, const struct mapping *was, int protection)
{
	if (protection & PROT_WRITE) {
		bool charged = was->flags & VMA_ACCOUNT || was->protection & PROT_WRITE || was->shared ||
			       was->kind == KIND_HUGETLB;

		return charged ? was->flags : was->flags | VMA_ACCOUNT;
	}
	if (mm->rules->drops_account && was->flags & VMA_ACCOUNT && was->object == NO_OBJECT && !was->anon)
		return was->flags & ~(unsigned)VMA_ACCOUNT;
	return was->flags;
}

/* One mapping; gives the mapping that the part belongs to then. A private one that can now be written to is, if locked. */
static int protect(struct mm *mm, int prev, int vma, struct span part, int protection)
{
	const struct mapping was = mm->mappings[vma];
	struct mapping wanted = vma_part(mm, vma, part);
	int changed;

	if (was.protection == protection)
		return vma;
	wanted.protection = protection;
	wanted.flags = account_of(mm, &was, protection);
	changed = vma_modify(mm, prev, vma, &wanted);
	if (changed >= 0 && was.lock == LOCK_EAGER && !was.shared && !(was.protection & PROT_WRITE) &&
	    protection & PROT_WRITE)
		vma_populate(mm, changed, part);
	return changed;
}

/* Mapping by mapping up to the first hole. */
static long call_mprotect(void *self, unsigned long address, size_t length, int protection)
{
	struct mm *mm = ((struct task *)self)->mm;
	struct span span;
	int vma, prev;

	if (!aligned(self, address, 0, &span) || protection & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
		return -EINVAL;
	if (length == 0)
		return 0;
	if (!aligned(self, address, length, &span))
		return -ENOMEM;
	vma = vma_find(mm, span.start);
	prev = vma < (int)mm->count && mm->mappings[vma].span.start < span.start ? vma : vma - 1;
	while (span.start < span.end) {
		if (vma == (int)mm->count || mm->mappings[vma].span.start > span.start)
			return -ENOMEM;
		prev = protect(mm, prev, vma, mm_overlap(&mm->mappings[vma], span), protection);
		if (prev < 0)
			return prev;
		span.start = mm->mappings[prev].span.end;
		vma = prev + 1;
	}
	return 0;
}

/* Holes are noticed and passed over; an error of what is mapped comes first. */
static long for_each_mapping(struct mm *mm, struct span span,
			     long (*act)(struct mm *mm, const struct mapping *m, struct span part, int argument),
			     int argument)
{
	long unmapped = mm_is_mapped(mm, span) ? 0 : -ENOMEM;

	for (const struct mapping *m = mm_find(mm, span.start); mm_meets(mm, m, span); m++) {
		long error = act(mm, m, mm_overlap(m, span), argument);

		if (error)
			return error;
	}
	return unmapped;
}

static long refuse_locked(struct mm *mm, const struct mapping *m, struct span part, int flags)
{
	(void)mm;
	(void)part;
	return m->lock != LOCK_NONE && flags & MS_INVALIDATE ? -EBUSY : 0;
}

static long call_msync(void *self, unsigned long address, size_t length, int flags)
{
	struct span span;

	if (flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE) || (flags & MS_ASYNC && flags & MS_SYNC) ||
	    !aligned(self, address, 0, &span))
		return -EINVAL;
	if (!aligned(self, address, length, &span))
		return -ENOMEM;
	return for_each_mapping(((struct task *)self)->mm, span, refuse_locked, flags);
}

static long call_madvise(void *self, unsigned long address, size_t length, int advice)
{
	struct task *task = self;
	struct span span;

	if (!aligned(task, address, length, &span))
		return -EINVAL;
	return for_each_mapping(task->mm, span, task_advise, advice);
}

/* The child's mappings stay split where only the parent's locks split them. */
static long call_fork(void *self)
{
	struct task *task = self;
	struct mm *mm;

	if (!task_fork(task))
		return -ENOMEM;
	mm = task->mm;
	mm->future = LOCK_NONE;
	mm->locked_vm = 0;
	for (size_t i = 0; i < mm->count; i++) {
		struct mapping *m = &mm->mappings[i];

		m->lock = LOCK_NONE;
		if (!m->anon || !mm->rules->child_has_own_anon)
			continue;
		m->anon = ++mm->anons;
		m->forked = true;
	}
	return 0;
}

static long call_exec(void *self, const struct program *program, const struct resume *resume, bool missing)
{
	struct task *task = self;
	struct mm *mm = task->mm;

	(void)program;
	(void)resume;
	if (missing)
		return -ENOENT;
	mm_unmap(mm, mm_everything(mm));
	mm->heap = (struct span){ 0 };
	mm->future = LOCK_NONE;
	mm->locked_vm = 0;
	mm->has_table = false;
	task_map_own(task, mm);
	return 0;
}

static void observe(void *self, unsigned long arena, struct snapshot *snapshot)
{
	task_observe(self, arena, snapshot);
	snapshot->accounted = (long)((struct task *)self)->mm->locked_vm;
}

/* What a call takes is gone also where it fails. */
static void enter(void *self)
{
	struct task *task = self;

	task->faults.left = task->left;
}

static void leave(void *self)
{
	struct task *task = self;

	task->left = task->faults.left;
}

void linux_calls(struct system *system, const struct vma_rules *rules)
{
	((struct task *)system->self)->rules = rules;
	system->reserve = reserve;
	system->map = call_mmap;
	system->map_locked = call_map_locked;
	system->munmap = call_munmap;
	system->mprotect = call_mprotect;
	system->madvise = call_madvise;
	system->msync = call_msync;
	system->fork = call_fork;
	system->exec = call_exec;
	system->mremap = linux_mremap;
	system->mremap_and_stay = linux_mremap_and_stay;
	system->brk = linux_brk;
	system->touch = linux_touch;
	system->observe = observe;
	system->enter = enter;
	system->exit = leave;
}
