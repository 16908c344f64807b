/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/prove.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK = 64, MOST_THREADS = 256, FLAGS = 3, CALLS_OF_ALL = 2 * FLAGS + 2 };

static const char *const names[] = { "mlock", "munlock", "mlockall", "munlockall" };

/* Ranges come first, shorter ones before longer ones. */
static bool range_numbered(int pages, int number, struct lockproof_call *call)
{
	for (int length = 1; length <= pages; length++) {
		int places = pages - length + 1;

		if (number < places) {
			call->page = number;
			call->pages = length;
			return true;
		}
		number -= places;
	}
	return false;
}

static bool call_numbered(int pages, int number, struct lockproof_call *call, enum call_kind *kind)
{
	static const int flags[FLAGS] = { MCL_CURRENT, MCL_FUTURE, MCL_CURRENT | MCL_FUTURE };
	const int ranges = pages * (pages + 1) / 2;

	*call = (struct lockproof_call){ 0 };
	if (number < 0 || number >= 2 * ranges + CALLS_OF_ALL)
		return false;
	if (number < 2 * ranges) {
		*kind = number % 2 ? CALL_MUNLOCK : CALL_MLOCK;
		range_numbered(pages, number / 2, call);
	} else {
		number -= 2 * ranges;
		call->future = number % 2;
		*kind = number / 2 < FLAGS ? CALL_MLOCKALL : CALL_MUNLOCKALL;
		call->flags = number / 2 < FLAGS ? flags[number / 2] : 0;
	}
	call->name = names[*kind];
	return true;
}

int lockproof_call(int pages, int number, struct lockproof_call *call)
{
	enum call_kind kind;

	return call_numbered(pages, number, call, &kind);
}

static long make(const struct system *system, const struct lockproof_call *call, enum call_kind kind)
{
	const unsigned long address = (unsigned long)(ARENA_PAGE + call->page) << PAGE_SHIFT;
	const size_t length = (size_t)call->pages << PAGE_SHIFT;

	switch (kind) {
	case CALL_MLOCK:
		return system->mlock(system->self, address, length);
	case CALL_MUNLOCK:
		return system->munlock(system->self, address, length);
	case CALL_MLOCKALL:
		return system->mlockall(system->self, call->flags);
	case CALL_MUNLOCKALL:
		break;
	}
	return system->munlockall(system->self);
}

/* One thread's. */
struct worker {
	pthread_t thread;
	struct lockproof_proof *proof;
	struct system system;
	struct mm *own;	 /* what the program itself has mapped, and nothing else */
	struct mm *laid; /* with the address space under test */
	struct lockproof_finding findings[LOCKPROOF_CHECKS];
	unsigned long long states;
};

/* One call with no allocation failing, then the first, and so on until it makes no more. */
static void explore_call(struct worker *worker, struct state *state)
{
	struct task *task = worker->system.self;

	do {
		mm_copy(task->mm, worker->laid);
		task->mm->future = state->call->future ? LOCK_EAGER : LOCK_NONE;
		task->faults.countdown = state->n;
		task->faults.injected = false;
		state->result = make(&worker->system, state->call, state->kind);
		state->injected = task->faults.injected;
		state->mm = task->mm;
		worker->states++;
		state->after = view_of(task->mm);
		check_state(state, worker->findings);
		state->n++;
	} while (state->n == 1 || state->injected);
}

static void explore_space(struct worker *worker, unsigned long long number)
{
	const struct space space = space_numbered(number);
	struct lockproof_call call;
	struct state state = { .space = &space, .call = &call };

	mm_copy(worker->laid, worker->own);
	space_lay(&space, worker->laid);
	state.before = view_of(worker->laid);
	for (; call_numbered(space.pages, state.number, &call, &state.kind); state.number++) {
		state.before.future = call.future;
		state.n = 0;
		explore_call(worker, &state);
	}
}

/* Chunks are given out in order, and each that was is finished: what is covered has no gaps. */
static void *work(void *argument)
{
	struct worker *worker = argument;
	struct lockproof_proof *proof = worker->proof;

	while (!__atomic_load_n(&proof->stop, __ATOMIC_RELAXED)) {
		unsigned long long from = __atomic_load_n(&proof->covered, __ATOMIC_RELAXED), past;

		do {
			past = from + CHUNK < proof->past ? from + CHUNK : proof->past;
			if (from >= proof->past)
				return NULL;
		} while (!__atomic_compare_exchange_n(&proof->covered, &from, past, false, __ATOMIC_RELAXED,
						      __ATOMIC_RELAXED));
		worker->states = 0;
		for (; from < past; from++)
			explore_space(worker, from);
		__atomic_fetch_add(&proof->states, worker->states, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Memory of the program itself is in use, as it is in one that runs. */
static bool open_worker(struct worker *worker, struct lockproof_proof *proof, model_calls *calls)
{
	const size_t space = ARENA_PAGE + (size_t)proof->pages;
	unsigned long arena;
	struct task *task;

	worker->proof = proof;
	if (!task_open(&worker->system))
		return false;
	task = worker->system.self;
	calls(&worker->system);
	worker->own = mm_create(space, &task->faults);
	worker->laid = mm_create(space, &task->faults);
	if (worker->system.reserve(task, (size_t)proof->pages, &arena) || !worker->own || !worker->laid)
		return false;
	for (size_t i = 0; i < task->mm->count; i++) {
		const struct span own = task->mm->mappings[i].span;

		worker->system.touch(task, own.start << PAGE_SHIFT, own.end - own.start);
	}
	mm_copy(worker->own, task->mm);
	return true;
}

static void close_worker(struct worker *worker)
{
	if (!worker->system.self)
		return;
	free(worker->own);
	free(worker->laid);
	task_close(&worker->system);
}

static bool is_before(const struct lockproof_finding *a, const struct lockproof_finding *b)
{
	if (a->space != b->space)
		return a->space < b->space;
	return a->call != b->call ? a->call < b->call : a->n < b->n;
}

static void add(struct lockproof_finding *sum, const struct lockproof_finding *part)
{
	if (part->broken && (!sum->broken || is_before(part, sum))) {
		sum->space = part->space;
		sum->call = part->call;
		sum->n = part->n;
	}
	sum->checked += part->checked;
	sum->broken += part->broken;
}

static bool is_sound(const struct lockproof_proof *proof)
{
	return proof->pages >= 1 && proof->pages <= PROVE_PAGES && proof->threads >= 1 &&
	       proof->threads <= MOST_THREADS && proof->first <= proof->past &&
	       (proof->first == proof->past || space_numbered(proof->past - 1).pages <= proof->pages);
}

int lockproof_prove(const char *model, struct lockproof_proof *proof)
{
	model_calls *calls = model_calls_of(model);
	struct worker *workers;
	int ready = 0, started = 0;

	if (!calls || !is_sound(proof))
		return -1;
	workers = calloc((size_t)proof->threads, sizeof(*workers));
	if (!workers)
		return -1;
	proof->covered = proof->first;
	while (ready < proof->threads && open_worker(&workers[ready], proof, calls))
		ready++;
	if (ready == proof->threads) {
		while (started < ready && !pthread_create(&workers[started].thread, NULL, work, &workers[started]))
			started++;
	}
	for (int i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		for (int check = 0; check < LOCKPROOF_CHECKS; check++)
			add(&proof->findings[check], &workers[i].findings[check]);
	}
	for (int i = 0; i < proof->threads; i++)
		close_worker(&workers[i]);
	free(workers);
	return started > 0 ? 0 : -1;
}
