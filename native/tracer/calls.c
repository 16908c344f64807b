/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "caller.h"
#include "machine.h"

enum { FIRST, SECOND, THIRD, FOURTH };

typedef struct __ptrace_syscall_info call_info;

void calls_write(int log, const char *bytes, size_t count)
{
	while (count) {
		ssize_t written = write(log, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			exit(EXIT_FAILURE); /* and with it all that is traced */
		bytes += written;
		count -= (size_t)written;
	}
}

/* A thread that was killed meanwhile says nothing any more. */
static bool ask(pid_t thread, int expected, call_info *info)
{
	return ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(*info), info) > 0 && info->op == expected;
}

/* What is about to be made has misbehaved, or what it was asked for would be wrong: nothing that follows counts. */
static void require(bool worked, pid_t thread)
{
	if (worked || errno == ESRCH)
		return;
	fprintf(stderr, "lockproof-tracer: the call of thread %d cannot be changed: %s\n", (int)thread,
		strerror(errno));
	exit(EXIT_FAILURE);
}

static void write_record(const struct calls *calls, const struct thread *thread, const call_info *info)
{
	char buffer[PATH_MAX + 1024], path[PATH_MAX];
	struct trace line = trace_in(buffer, sizeof(buffer));
	const struct call_numbers *numbers = machine_of(info->arch);
	const struct place place = {
		.thread = thread->id,
		.instruction = info->instruction_pointer,
		.stack = info->stack_pointer,
		.link = machine_link(thread->id),
		.word = numbers ? numbers->word : sizeof(long),
	};

	record_write(&line, &thread->record, thread->process, caller_of(&place, path));
	trace_end_line(&line);
	calls_write(calls->log, buffer, line.complete);
}

static bool *locks_future(const struct threads *threads, const struct thread *thread)
{
	struct thread *first = threads_find(threads, thread->process);

	return first ? &first->locks_future : NULL;
}

static bool is_locked_future(const struct threads *threads, const struct thread *thread)
{
	const bool *future = locks_future(threads, thread);

	return future && *future;
}

static struct record record_of(enum lock_function call, const uint64_t *given)
{
	struct record record = { .call = call };

	if (call == MLOCKALL) {
		record.flags = (int)given[FIRST];
	} else if (call != MUNLOCKALL) {
		record.address = (uintptr_t)given[FIRST];
		record.length = (size_t)given[SECOND];
	}
	if (call == MLOCK2 || call == MMAP)
		record.flags = (int)given[call == MMAP ? FOURTH : THIRD];
	return record;
}

/* What MCL_FUTURE locks is locked without a flag that could be taken away. */
static enum manner manner_of(const struct rule *rule, const struct record *record, bool future)
{
	bool can_lie = record->call != MMAP || !future;

	if (!rule || (rule->manner == LIE && !can_lie))
		return AS_IT_IS;
	return rule->manner;
}

static void choose(struct calls *calls, struct thread *thread, bool future)
{
	struct record *record = &thread->record;
	const struct rule *rule;

	record->nth = ++calls->counts[record->call];
	record->of_all = ++calls->counts[ANY];
	rule = rules_find(&calls->rules, record->call, record->nth, record->of_all);
	record->manner = manner_of(rule, record, future);
	thread->error = rule ? rule->error : 0;
}

static void change(struct thread *thread, const struct call_numbers *numbers, int argument, uint64_t before,
		   uint64_t now)
{
	thread->is_changed = true;
	thread->argument = argument;
	thread->value = before;
	require(machine_set_argument(thread->id, numbers, argument, now), thread->id);
}

/* A part of mlockall of both is what is mapped now; all else of it, and munlockall, has no parts. */
static void change_arguments(struct thread *thread, const struct call_numbers *numbers, const uint64_t *given)
{
	const struct record *record = &thread->record;
	bool both = (record->flags & MCL_CURRENT) && (record->flags & MCL_FUTURE);

	thread->is_changed = false;
	if (record->manner == LIE)
		change(thread, numbers, FOURTH, given[FOURTH], given[FOURTH] & ~(uint64_t)MAP_LOCKED);
	if (record->manner != PART || record->call == MUNLOCKALL)
		return;
	if (record->call != MLOCKALL)
		change(thread, numbers, SECOND, given[SECOND], record_part(record, (size_t)getpagesize()));
	else if (both)
		change(thread, numbers, FIRST, given[FIRST], given[FIRST] & ~(uint64_t)MCL_FUTURE);
}

bool calls_begin(struct calls *calls, struct threads *threads, struct thread *thread)
{
	bool future = is_locked_future(threads, thread);
	const struct call_numbers *numbers;
	enum lock_function call;
	struct record *record = &thread->record;
	call_info info;

	if (!ask(thread->id, PTRACE_SYSCALL_INFO_SECCOMP, &info))
		return false;
	numbers = machine_of(info.arch);
	call = numbers ? machine_call(numbers, info.seccomp.nr) : ANY;
	if (call == ANY || (call == MMAP && !future && !(info.seccomp.args[FOURTH] & MAP_LOCKED)))
		return false;
	*record = record_of(call, info.seccomp.args);
	choose(calls, thread, future);
	if (record_is_made(record) || (call == MMAP && record->manner == LIE)) {
		change_arguments(thread, numbers, info.seccomp.args);
		return true;
	}
	record->error = record->manner == LIE ? 0 : thread->error;
	require(machine_skip_call(thread->id, -record->error), thread->id);
	write_record(calls, thread, &info);
	return false;
}

static void note_future(const struct threads *threads, const struct thread *thread)
{
	const struct record *record = &thread->record;
	bool *future = locks_future(threads, thread);
	int flags = record->flags;

	if (thread->is_changed)
		flags &= ~MCL_FUTURE;
	if (future && record->call == MLOCKALL)
		*future = flags & MCL_FUTURE;
	if (future && record->call == MUNLOCKALL)
		*future = false;
}

void calls_end(struct calls *calls, struct threads *threads, struct thread *thread)
{
	struct record *record = &thread->record;
	call_info info;
	int error;

	if (!ask(thread->id, PTRACE_SYSCALL_INFO_EXIT, &info))
		return;
	error = info.exit.is_error ? (int)-info.exit.rval : 0;
	if (!error)
		note_future(threads, thread);
	if (thread->is_changed)
		require(machine_set_argument(thread->id, machine_of(info.arch), thread->argument, thread->value),
			thread->id);
	if (record->manner == LATE || record->manner == PART) {
		error = thread->error;
		require(machine_set_result(thread->id, -error), thread->id);
	} else if (error) {
		record->manner = AS_IT_IS; /* a lie about what fails anyway is none */
	}
	record->error = error;
	write_record(calls, thread, &info);
}
