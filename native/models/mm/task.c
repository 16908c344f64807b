/* SPDX-License-Identifier: Apache-2.0 */
#include "mm/task.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "program/advice.h"

void task_map_own(struct task *task, struct mm *mm)
{
	const struct mapping text = {
		.span = { 16, 20 },
		.kind = KIND_FILE,
		.protection = PROT_READ | PROT_EXEC,
		.object = task->objects++,
		.object_pages = 4,
	};
	const struct mapping data = {
		.span = { 20, 24 },
		.kind = KIND_ANONYMOUS,
		.protection = PROT_READ | PROT_WRITE,
		.object = NO_OBJECT,
	};
	const struct mapping stack = {
		.span = { 28, 32 },
		.kind = KIND_STACK,
		.protection = PROT_READ | PROT_WRITE,
		.object = NO_OBJECT,
	};

	mm_map(mm, &text);
	mm_map(mm, &data);
	mm_map(mm, &stack);
}

long task_reserve(void *self, size_t pages, unsigned long *address)
{
	struct task *task = self;

	task->mm = mm_create(ARENA_PAGE + pages, &task->faults);
	task->draft = mm_create(ARENA_PAGE + pages, &task->faults);
	if (!task->mm || !task->draft)
		return -ENOMEM;
	task->mm->limit = MAX_MAP_COUNT;
	task_map_own(task, task->mm);
	*address = (unsigned long)ARENA_PAGE << PAGE_SHIFT;
	return 0;
}

static bool has_object(enum kind kind)
{
	return kind == KIND_FILE || kind == KIND_SHM || kind == KIND_MEMFD || kind == KIND_SECRETMEM;
}

static long task_declare(void *self, int index, const struct region *region)
{
	struct task *task = self;
	struct memory *memory = &task->memory[index];

	memory->region = *region;
	if (!has_object(region->kind))
		return 0;
	if (region->alias >= 0) {
		memory->object = task->memory[region->alias].object;
		memory->object_pages = task->memory[region->alias].object_pages;
	} else {
		memory->object = task->objects++;
		memory->object_pages = (size_t)region->object_pages;
	}
	return 0;
}

struct mapping task_mapping(struct task *task, int region, unsigned long address, size_t pages, size_t object_page)
{
	struct memory *memory = &task->memory[region];
	const size_t first = address >> PAGE_SHIFT;
	struct mapping mapping = {
		.span = { first, first + pages },
		.kind = memory->region.kind,
		.protection = memory->region.protection,
		.shared = memory->region.shared,
		.object = memory->object,
		.object_page = object_page,
		.object_pages = memory->object_pages,
	};

	if (!has_object(memory->region.kind)) { /* shared memory is an object of its own each time that it is mapped */
		mapping.object = memory->region.shared ? task->objects++ : NO_OBJECT;
		mapping.object_page = memory->region.shared ? 0 : first;
		mapping.object_pages = pages;
	}
	if (memory->region.kind == KIND_SYSV) {
		memory->object = mapping.object;
		memory->own = !task->privileged;
	}
	return mapping;
}

static long task_guard(void *self, unsigned long address, size_t length)
{
	struct mm *mm = ((struct task *)self)->mm;
	struct span span = span_of(address, length);

	if (!mm_is_mapped(mm, span))
		return -ENOMEM;
	for (size_t page = span.start; page < span.end; page++)
		mm->pages[page] = (struct page){ .guard = true };
	return 0;
}

static long task_limit_memlock(void *self, uint64_t bytes)
{
	struct task *task = self;

	task->memlock = task->hard_memlock = bytes;
	return 0;
}

static long task_setrlimit(void *self, uint64_t soft, uint64_t hard)
{
	struct task *task = self;

	if (soft > hard)
		return -EINVAL;
	if (hard > task->hard_memlock && !task->privileged)
		return -EPERM;
	task->memlock = soft;
	task->hard_memlock = hard;
	return 0;
}

/* What lies behind the new end is gone. */
static long task_ftruncate(void *self, int region, size_t pages)
{
	struct task *task = self;
	struct mm *mm = task->mm;
	const int object = task->memory[region].object;

	if (!has_object(task->memory[region].region.kind))
		return -EBADF;
	for (size_t i = 0; i < REGION_COUNT; i++) {
		if (task->memory[i].object == object && has_object(task->memory[i].region.kind))
			task->memory[i].object_pages = pages;
	}
	for (size_t i = 0; i < mm->count; i++) {
		struct mapping *m = &mm->mappings[i];

		if (m->object != object)
			continue;
		m->object_pages = pages;
		for (size_t page = m->span.start; page < m->span.end; page++) {
			if (!mapping_is_backed(m, page))
				mm_discard(mm, (struct span){ page, page + 1 });
		}
	}
	return 0;
}

static bool is_first_of_object(const struct mm *mm, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (mm->mappings[i].object == mm->mappings[at].object)
			return false;
	}
	return true;
}

/* Pages of all segments that are locked: whole ones, however much of them is mapped. */
static size_t held_pages(const struct mm *mm)
{
	size_t pages = 0;

	for (size_t i = 0; i < mm->count; i++) {
		if (mm->mappings[i].held && is_first_of_object(mm, i))
			pages += mm->mappings[i].object_pages;
	}
	return pages;
}

static struct mapping *mapping_of_object(struct mm *mm, int object)
{
	for (size_t i = 0; i < mm->count; i++) {
		if (mm->mappings[i].object == object)
			return &mm->mappings[i];
	}
	return NULL;
}

/* RLIMIT_MEMLOCK is a limit on all segments of a user, apart from what processes lock. 0: it may be locked. */
static long may_hold(const struct task *task, const struct mapping *segment)
{
	if (task->privileged || segment->held)
		return 0;
	return held_pages(task->mm) + segment->object_pages <= task->memlock >> PAGE_SHIFT ? 0 : -ENOMEM;
}

/*
 * shmctl(2): the segment's owner may, and who may lock beyond the limit. Who has
 * given up all privileges owns what was made since. A segment ends with its last mapping.
 */
static long task_shmctl(void *self, int region, int command)
{
	struct task *task = self;
	const struct memory *memory = &task->memory[region];
	const bool lock = command == SHM_LOCK;
	const struct mapping *segment;
	long error;

	if (memory->region.kind != KIND_SYSV)
		return -EINVAL;
	segment = mapping_of_object(task->mm, memory->object);
	if (!segment)
		return -EINVAL;
	if (!task->privileged && (!memory->own || (lock && task->memlock == 0)))
		return -EPERM;
	error = lock ? may_hold(task, segment) : 0;
	for (size_t i = 0; !error && i < task->mm->count; i++) {
		if (task->mm->mappings[i].object == memory->object)
			task->mm->mappings[i].held = lock;
	}
	return error;
}

static bool is_for_object(enum kind kind)
{
	return has_object(kind) || kind == KIND_SHARED || kind == KIND_SYSV;
}

static long give_up(struct mm *mm, struct span part)
{
	mm_discard(mm, part);
	return 0;
}

static long set_guard(struct mm *mm, struct span part, bool guard)
{
	if (guard)
		mm_discard(mm, part);
	for (size_t page = part.start; page < part.end; page++)
		mm->pages[page].guard = guard;
	return 0;
}

long task_advise(struct mm *mm, const struct mapping *mapping, struct span part, int advice)
{
	const bool locked = mapping->lock != LOCK_NONE, is_private = mapping->object == NO_OBJECT;

	switch (advice) {
	case ADVICE_WILLNEED:
		return 0;
	case ADVICE_DONTNEED:
		return locked ? -EINVAL : give_up(mm, part);
	case ADVICE_DONTNEED_LOCKED:
		return give_up(mm, part);
	case ADVICE_REMOVE:
		return locked || !mapping->shared || !is_for_object(mapping->kind) ? -EINVAL : give_up(mm, part);
	case ADVICE_FREE:
		return locked || !is_private ? -EINVAL : 0;
	case ADVICE_COLD:
	case ADVICE_PAGEOUT:
		return locked ? -EINVAL : 0;
	case ADVICE_POPULATE_READ:
	case ADVICE_POPULATE_WRITE:
		if (advice == ADVICE_POPULATE_WRITE && !(mapping->protection & PROT_WRITE))
			return -EINVAL;
		return mm_populate(mm, part) ? 0 : -EFAULT;
	case ADVICE_GUARD_INSTALL:
		return locked ? -EINVAL : set_guard(mm, part, true);
	case ADVICE_GUARD_REMOVE:
		return set_guard(mm, part, false);
	default:
		return -EINVAL;
	}
}

/* As if the mappings but `slack` were used up elsewhere. */
static long task_limit_mappings(void *self, long slack)
{
	struct mm *mm = ((struct task *)self)->mm;

	mm->limit = mm->count + (size_t)slack;
	return 0;
}

static long task_limit_memory(void *self, size_t pages)
{
	struct task *task = self;

	task->faults.limited = true;
	task->left = pages;
	return 0;
}

static long task_become_unprivileged(void *self)
{
	((struct task *)self)->privileged = false;
	return 0;
}

bool task_heap_has_room(const struct mm *mm, struct span more, bool guards_stacks)
{
	const struct mapping *next = mm_find(mm, more.start);

	if (!mm_meets(mm, next, (struct span){ more.start, mm->space }))
		return true;
	return !(guards_stacks && next->kind == KIND_STACK) && more.end < next->span.start;
}

bool task_stack_has_room(const struct mm *mm, const struct mapping *stack)
{
	const struct mapping *below = stack - 1;

	/* An arena with a heap begins where the program's data end. */
	if (stack == mm->mappings || below->span.end <= ARENA_PAGE)
		return mm->heap.end == 0;
	return below->kind == KIND_STACK || below->protection == PROT_NONE;
}

int task_access_signal(const struct task *task, size_t page)
{
	const struct mm *mm = task->mm;
	const struct mapping *mapping = mm_find(mm, page);

	if (!mm_meets(mm, mapping, (struct span){ page, page + 1 }) || mapping->protection == PROT_NONE ||
	    mm->pages[page].guard)
		return SIGSEGV;
	return mapping_is_backed(mapping, page) ? 0 : SIGBUS;
}

/* Pages count, but are there. */
long task_touch(void *self, unsigned long address, size_t pages)
{
	struct task *task = self;
	size_t first = address >> PAGE_SHIFT;
	bool limited = task->faults.limited;
	long result = 0;

	task->faults.limited = false;
	for (size_t page = first; page < first + pages && !result; page++) {
		result = task_access_signal(task, page);
		if (!result && !task->mm->pages[page].resident && task->left)
			task->left--;
		if (!result)
			task->touch_faults += !task->mm->pages[page].resident || task->mm->pages[page].borrowed;
		if (!result && !mm_populate(task->mm, (struct span){ page, page + 1 }))
			result = -ENOMEM;
		if (!result)
			task->mm->pages[page].borrowed = false;
	}
	task->faults.limited = limited;
	return result;
}

static long task_page_faults(void *self)
{
	return ((const struct task *)self)->touch_faults;
}

/* A child, and each of its mappings, takes memory. What it does itself is no part of the call. */
bool task_fork(struct task *task)
{
	struct mm *child;

	for (size_t i = 0; i <= task->mm->count; i++) {
		if (!mm_allocate(task->mm, 0))
			return false;
	}
	task->faults.countdown = 0;
	child = mm_create(task->mm->space, &task->faults);
	if (!child)
		return false;
	mm_copy(child, task->mm);
	task->parent = task->mm;
	task->parent_left = task->left;
	task->mm = child;
	return true;
}

static long task_thread(void *self, void (*run)(void *argument), void *argument)
{
	(void)self;
	run(argument);
	return 0;
}

/* The nth order of so many threads, by Lehmer code: 0 leaves them as they are. */
static void set_order(int *order, int threads, unsigned long number)
{
	for (int i = 0; i < threads; i++)
		order[i] = i;
	for (int i = 0; i < threads; i++) {
		int from = i + (int)(number % (unsigned long)(threads - i)), taken = order[from];

		number /= (unsigned long)(threads - i);
		for (int to = from; to > i; to--)
			order[to] = order[to - 1];
		order[i] = taken;
	}
}

/* One after another: each call is made, and where it is made again and again, a second time after all others. */
static long task_at_once(void *self, int threads, int times, unsigned long number,
			 void (*call)(void *argument, int thread), void *argument)
{
	int order[MOST_AT_ONCE];

	(void)self;
	set_order(order, threads, number);
	for (int round = 0; round < times && round < 2; round++) {
		for (int i = 0; i < threads; i++)
			call(argument, order[i]);
	}
	return 0;
}

/* The child has the same memory, but never a lock of its own: nothing is left of it. */
static long task_vfork(void *self, enum child_image image)
{
	(void)self;
	(void)image;
	return 0;
}

static long task_posix_spawn(void *self, enum child_image image)
{
	(void)self;
	return image == CHILD_MISSING ? -ENOENT : 0;
}

static void task_leave(void *self, bool well)
{
	struct task *task = self;

	(void)well;
	free(task->mm);
	task->mm = task->parent;
	task->left = task->parent_left;
	task->parent = NULL;
}

static long task_prepare_faults(void *self, bool persistent, enum allocations which)
{
	struct faults *faults = &((struct task *)self)->faults;

	faults->persistent = persistent;
	faults->which = which;
	return 0;
}

static long task_arm(void *self, unsigned long n)
{
	struct faults *faults = &((struct task *)self)->faults;

	faults->countdown = n;
	faults->injected = false;
	return 0;
}

static long task_injected(void *self)
{
	struct task *task = self;
	bool injected = task->faults.injected;

	task->faults.countdown = 0;
	task->faults.injected = false;
	return injected;
}

void task_observe(void *self, unsigned long arena, struct snapshot *snapshot)
{
	static const char lock_letter[] = { [LOCK_NONE] = '.', [LOCK_EAGER] = 'L', [LOCK_ON_FAULT] = 'F' };
	const struct mm *mm = ((struct task *)self)->mm;
	const struct span inside = { arena >> PAGE_SHIFT, (arena >> PAGE_SHIFT) + snapshot->pages };
	const struct span all = mm_everything(mm);

	snapshot->smaps_name = "model";
	snapshot->has_smaps = snapshot->has_resident = snapshot->has_mappings = true;
	snapshot->has_msync = false;
	memset(snapshot->smaps, '_', snapshot->pages);
	memset(snapshot->resident, '_', snapshot->pages);
	memset(snapshot->mappings, '_', snapshot->pages);
	for (const struct mapping *m = mm_find(mm, inside.start); mm_meets(mm, m, inside); m++) {
		for (size_t page = m->span.start; page < m->span.end; page++) {
			snapshot->smaps[page - inside.start] = lock_letter[m->lock];
			snapshot->resident[page - inside.start] = mm->pages[page].resident ? 'R' : '.';
			snapshot->mappings[page - inside.start] = page == m->span.start ? '|' : '-';
		}
	}
	snapshot->accounted = (long)mm_locked_pages(mm, all);
	snapshot->elsewhere_mapped = (long)(mm_mapped_pages(mm, all) - mm_mapped_pages(mm, inside));
	snapshot->elsewhere_locked = (long)(mm_locked_pages(mm, all) - mm_locked_pages(mm, inside));
}

bool task_open(struct system *system)
{
	struct task *task = malloc(sizeof(*task));

	if (!task)
		return false;
	*task = (struct task){ .privileged = true, .memlock = UINT64_MAX, .hard_memlock = UINT64_MAX };
	*system = (struct system){
		.self = task,
		.page_size = (size_t)1 << PAGE_SHIFT,
		.reserve = task_reserve,
		.declare = task_declare,
		.guard = task_guard,
		.limit_memlock = task_limit_memlock,
		.limit_mappings = task_limit_mappings,
		.limit_memory = task_limit_memory,
		.become_unprivileged = task_become_unprivileged,
		.touch = task_touch,
		.page_faults = task_page_faults,
		.setrlimit = task_setrlimit,
		.ftruncate = task_ftruncate,
		.shmctl = task_shmctl,
		.leave = task_leave,
		.vfork = task_vfork,
		.posix_spawn = task_posix_spawn,
		.thread = task_thread,
		.at_once = task_at_once,
		.prepare_faults = task_prepare_faults,
		.arm = task_arm,
		.injected = task_injected,
		.reclaim = task_reclaim,
		.observe = task_observe,
	};
	return true;
}

void task_close(struct system *system)
{
	struct task *task = system->self;

	free(task->mm);
	free(task->draft);
	free(task->parent);
	free(task);
}
