/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MLOCK_ONFAULT, MCL_ONFAULT */
#include "mutants/mutants.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct task_call begin(void *self, unsigned kind)
{
	struct task *task = self;
	struct task_call call = {
		.kind = kind, .task = task, .before = task->mutation->before, .mutation = task->mutation
	};

	mm_copy(task->mutation->before, task->mm);
	return call;
}

static bool is_hit(const struct task_call *call)
{
	return call->mutation->active && (call->mutation->mutant->calls & call->kind);
}

static void arrange(struct task_call *call)
{
	if (is_hit(call) && call->mutation->mutant->arrange)
		call->mutation->mutant->arrange(call);
}

static long finish(struct task_call *call, long result)
{
	const struct mutant *mutant = call->mutation->mutant;

	call->result = result;
	if (is_hit(call) && mutant->act && mutant->when(call))
		mutant->act(call);
	return call->result;
}

static struct task_call begin_range(void *self, unsigned kind, unsigned long address, size_t length, int flags)
{
	struct task_call call = begin(self, kind);

	call.address = address;
	call.span = span_of_any_part(address, length);
	call.flags = flags;
	call.lock = kind == ON_MLOCK2 && (flags & MLOCK_ONFAULT) ? LOCK_ON_FAULT : LOCK_EAGER;
	arrange(&call);
	return call;
}

static struct task_call begin_all(void *self, unsigned kind, int flags)
{
	struct task_call call = begin(self, kind);

	call.span = mm_everything(call.task->mm);
	call.flags = flags;
	call.lock = flags & MCL_ONFAULT ? LOCK_ON_FAULT : LOCK_EAGER;
	arrange(&call);
	return call;
}

static long do_mlock(void *self, unsigned long address, size_t length)
{
	struct task_call call = begin_range(self, ON_MLOCK, address, length, 0);

	return finish(&call, call.mutation->model.mlock(self, address, length));
}

static long do_mlock2(void *self, unsigned long address, size_t length, int flags)
{
	struct task_call call = begin_range(self, ON_MLOCK2, address, length, flags);

	return finish(&call, call.mutation->model.mlock2(self, address, length, flags));
}

static long do_munlock(void *self, unsigned long address, size_t length)
{
	struct task_call call = begin_range(self, ON_MUNLOCK, address, length, 0);

	return finish(&call, call.mutation->model.munlock(self, address, length));
}

static long do_mlockall(void *self, int flags)
{
	struct task_call call = begin_all(self, ON_MLOCKALL, flags);

	return finish(&call, call.mutation->model.mlockall(self, flags));
}

static long do_munlockall(void *self)
{
	struct task_call call = begin_all(self, ON_MUNLOCKALL, 0);

	return finish(&call, call.mutation->model.munlockall(self));
}

static long do_map(void *self, int region, unsigned long address, size_t pages, size_t object_page, bool apart)
{
	struct task_call call = begin_range(self, ON_MMAP, address, pages << PAGE_SHIFT, 0);

	return finish(&call, call.mutation->model.map(self, region, address, pages, object_page, apart));
}

static long do_map_locked(void *self, int region, unsigned long address, size_t pages, size_t object_page)
{
	struct task_call call = begin_range(self, ON_MAP_LOCKED, address, pages << PAGE_SHIFT, 0);

	return finish(&call, call.mutation->model.map_locked(self, region, address, pages, object_page));
}

static long do_munmap(void *self, unsigned long address, size_t length)
{
	struct task_call call = begin_range(self, ON_MUNMAP, address, length, 0);

	return finish(&call, call.mutation->model.munmap(self, address, length));
}

static long do_mprotect(void *self, unsigned long address, size_t length, int protection)
{
	struct task_call call = begin_range(self, ON_MPROTECT, address, length, protection);

	return finish(&call, call.mutation->model.mprotect(self, address, length, protection));
}

static long do_madvise(void *self, unsigned long address, size_t length, int advice)
{
	struct task_call call = begin_range(self, ON_MADVISE, address, length, advice);

	return finish(&call, call.mutation->model.madvise(self, address, length, advice));
}

static long do_msync(void *self, unsigned long address, size_t length, int flags)
{
	struct task_call call = begin_range(self, ON_MSYNC, address, length, flags);

	return finish(&call, call.mutation->model.msync(self, address, length, flags));
}

static long do_mremap(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	struct task_call call = begin_range(self, ON_MREMAP, to, new_length, 0);

	return finish(&call, call.mutation->model.mremap(self, address, length, to, new_length));
}

static long do_mremap_and_stay(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	struct task_call call = begin_range(self, ON_MREMAP, to, new_length, 0);

	return finish(&call, call.mutation->model.mremap_and_stay(self, address, length, to, new_length));
}

static long do_brk(void *self, unsigned long end)
{
	struct task_call call = begin(self, ON_BRK);

	call.span = (struct span){ call.task->mm->heap.end, end >> PAGE_SHIFT };
	call.lock = LOCK_EAGER;
	arrange(&call);
	return finish(&call, call.mutation->model.brk(self, end));
}

static long do_ftruncate(void *self, int region, size_t pages)
{
	struct task_call call = begin_all(self, ON_FTRUNCATE, 0);

	return finish(&call, call.mutation->model.ftruncate(self, region, pages));
}

static long do_shmctl(void *self, int region, int command)
{
	struct task_call call = begin_all(self, ON_SHMCTL, command);

	return finish(&call, call.mutation->model.shmctl(self, region, command));
}

static long do_touch(void *self, unsigned long address, size_t pages)
{
	struct task_call call = begin_range(self, ON_TOUCH, address, pages << PAGE_SHIFT, 0);

	return finish(&call, call.mutation->model.touch(self, address, pages));
}

static long do_fork(void *self)
{
	struct task_call call = begin(self, ON_FORK);
	long result = call.mutation->model.fork(self);

	return finish(&call, result);
}

static void do_leave(void *self, bool well)
{
	struct task_call call = begin(self, ON_LEAVE);

	call.mutation->model.leave(self, well);
	finish(&call, 0);
}

static long do_exec(void *self, const struct program *program, const struct resume *resume, bool missing)
{
	struct task_call call = begin_all(self, ON_EXEC, 0);

	return finish(&call, call.mutation->model.exec(self, program, resume, missing));
}

/* Keeps what was before a step whose own calls need theirs; false: out of memory. */
static bool keep_before(struct task_call *call)
{
	struct mm *before = mm_create(call->task->mm->space, &call->task->faults);

	if (before)
		mm_copy(before, call->before);
	call->before = before;
	return before;
}

static long finish_kept(struct task_call *call, long result)
{
	struct mm *before = (struct mm *)call->before;

	result = finish(call, result);
	free(before);
	return result;
}

static long do_thread(void *self, void (*run)(void *argument), void *argument)
{
	struct task_call call = begin(self, ON_THREAD);

	if (!keep_before(&call))
		return -1;
	return finish_kept(&call, call.mutation->model.thread(self, run, argument));
}

static long do_at_once(void *self, int threads, int times, unsigned long order, void (*run)(void *argument, int thread),
		       void *argument)
{
	struct task_call call = begin_all(self, ON_THREADS, 0);

	if (!keep_before(&call))
		return -1;
	return finish_kept(&call, call.mutation->model.at_once(self, threads, times, order, run, argument));
}

static long do_vfork(void *self, enum child_image image)
{
	struct task_call call = begin(self, ON_VFORK);

	return finish(&call, call.mutation->model.vfork(self, image));
}

static long do_posix_spawn(void *self, enum child_image image)
{
	struct task_call call = begin(self, ON_POSIX_SPAWN);

	return finish(&call, call.mutation->model.posix_spawn(self, image));
}

static long do_reclaim(void *self)
{
	struct task_call call = begin_all(self, ON_RECLAIM, 0);

	return finish(&call, call.mutation->model.reclaim(self));
}

/* Set-up ends with the first snapshot. */
static void do_observe(void *self, unsigned long arena, struct snapshot *snapshot)
{
	struct task_call call = begin(self, ON_OBSERVE);

	call.snapshot = snapshot;
	call.mutation->model.observe(self, arena, snapshot);
	finish(&call, 0);
	call.mutation->active = true;
}

static long do_reserve(void *self, size_t pages, unsigned long *address)
{
	struct task *task = self;
	struct mutation *mutation = task->mutation;
	long result = mutation->model.reserve(self, pages, address);

	if (result < 0)
		return result;
	mutation->before = mm_create(task->mm->space, &task->faults);
	mutation->note = calloc(task->mm->space, sizeof(*mutation->note));
	return mutation->before && mutation->note ? 0 : -1;
}

bool mutate(struct system *system, const struct mutant *mutant)
{
	struct mutation *mutation = calloc(1, sizeof(*mutation));

	if (!mutation)
		return false;
	mutation->mutant = mutant;
	mutation->model = *system;
	((struct task *)system->self)->mutation = mutation;
	system->reserve = do_reserve;
	system->map = do_map;
	system->mlock = do_mlock;
	system->mlock2 = do_mlock2;
	system->munlock = do_munlock;
	system->mlockall = do_mlockall;
	system->munlockall = do_munlockall;
	system->map_locked = do_map_locked;
	system->munmap = do_munmap;
	system->mprotect = do_mprotect;
	system->madvise = do_madvise;
	system->msync = do_msync;
	system->mremap = do_mremap;
	system->mremap_and_stay = do_mremap_and_stay;
	system->brk = do_brk;
	system->ftruncate = do_ftruncate;
	system->shmctl = do_shmctl;
	system->touch = do_touch;
	system->fork = do_fork;
	system->leave = do_leave;
	system->exec = do_exec;
	system->vfork = do_vfork;
	system->posix_spawn = do_posix_spawn;
	system->thread = do_thread;
	system->at_once = do_at_once;
	system->reclaim = do_reclaim;
	system->observe = do_observe;
	return true;
}

void mutate_end(struct system *system)
{
	struct mutation *mutation = ((struct task *)system->self)->mutation;

	if (mutation) {
		free(mutation->before);
		free(mutation->note);
	}
	free(mutation);
}

const struct mutant *mutant_numbered(size_t number)
{
	static const struct mutant *const tables[] = { mutants_mlock, mutants_mlockall, mutants_linux,
						       mutants_reclaim };

	for (size_t table = 0; table < sizeof(tables) / sizeof(*tables); table++) {
		for (const struct mutant *mutant = tables[table]; mutant->name; mutant++) {
			if (number-- == 0)
				return mutant;
		}
	}
	return NULL;
}

const struct mutant *mutant_named(const char *name)
{
	const struct mutant *mutant;

	for (size_t number = 0; (mutant = mutant_numbered(number)) != NULL; number++) {
		if (!strcmp(mutant->name, name))
			return mutant;
	}
	return NULL;
}
