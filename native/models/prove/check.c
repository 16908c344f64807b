/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "mm/vma.h"
#include "prove/prove.h"

enum check {
	MLOCK_NO_CHANGE,
	MLOCK_LOCKS,
	MLOCK_ONLY,
	MLOCK_UNMAPPED,
	MLOCK_ERRNO,
	MUNLOCK_NO_CHANGE,
	MUNLOCK_UNLOCKS,
	MUNLOCK_ONLY,
	MUNLOCK_UNMAPPED,
	MUNLOCK_ERRNO,
	MLOCKALL_NO_ADDITIONAL,
	MLOCKALL_NOT_ARMED,
	MLOCKALL_LOCKS,
	MLOCKALL_RESIDENT,
	MLOCKALL_ARMS,
	MLOCKALL_ERRNO,
	MUNLOCKALL_UNLOCKS,
	MUNLOCKALL_DISARMS,
	MUNLOCKALL_ZERO,
	ACCOUNTING,
	LAYOUT_FAILURE,
	LAYOUT_SUCCESS,
};

static const struct {
	const char *requirement;
	const char *about;
} checks[LOCKPROOF_CHECKS] = {
	[MLOCK_NO_CHANGE] = { "mlock.failure.no-change", "an mlock that fails changes no lock" },
	[MLOCK_LOCKS] = { "mlock.locked-and-resident", "after mlock the range is locked and resident" },
	[MLOCK_ONLY] = { "mlock.whole-pages", "mlock changes no lock outside its range" },
	[MLOCK_UNMAPPED] = { "mlock.enomem.unmapped", "mlock over a hole fails with ENOMEM" },
	[MLOCK_ERRNO] = { "mlock.eagain", "an mlock that lacks something says EAGAIN" },
	[MUNLOCK_NO_CHANGE] = { "munlock.failure.no-change", "a munlock that fails changes no lock" },
	[MUNLOCK_UNLOCKS] = { "munlock.unlocks", "after munlock the range is unlocked" },
	[MUNLOCK_ONLY] = { "munlock.whole-pages", "munlock changes no lock outside its range" },
	[MUNLOCK_UNMAPPED] = { "munlock.enomem.unmapped", "munlock over a hole fails with ENOMEM" },
	[MUNLOCK_ERRNO] = { "errno.required", "a munlock that lacks something says EAGAIN or ENOMEM" },
	[MLOCKALL_NO_ADDITIONAL] = { "mlockall.failure.no-additional", "an mlockall that fails locks nothing more" },
	[MLOCKALL_NOT_ARMED] = { "mlockall.failure.future", "an mlockall that fails does not arm MCL_FUTURE" },
	[MLOCKALL_LOCKS] = { "mlockall.current", "after mlockall with MCL_CURRENT all is locked" },
	[MLOCKALL_RESIDENT] = { "mlockall.locked-and-resident",
				"after mlockall with MCL_CURRENT all that can be accessed is resident" },
	[MLOCKALL_ARMS] = { "mlockall.future", "mlockall with MCL_FUTURE arms it" },
	[MLOCKALL_ERRNO] = { "mlockall.eagain", "an mlockall that lacks something says EAGAIN" },
	[MUNLOCKALL_UNLOCKS] = { "munlockall.unlocks-all", "after munlockall nothing is locked" },
	[MUNLOCKALL_DISARMS] = { "munlockall.cancels-future", "munlockall cancels MCL_FUTURE" },
	[MUNLOCKALL_ZERO] = { "munlockall.always-zero", "munlockall returns 0" },
	[ACCOUNTING] = { "quality.accounting", "what is counted as locked is what is locked" },
	[LAYOUT_FAILURE] = { "quality.layout", "a call that fails splits and joins no mapping" },
	[LAYOUT_SUCCESS] = { "quality.merged-layout", "a call that succeeds leaves no two mappings that could be one" },
};

const char *lockproof_check_requirement(int check)
{
	return check >= 0 && check < LOCKPROOF_CHECKS ? checks[check].requirement : NULL;
}

const char *lockproof_check_about(int check)
{
	return check >= 0 && check < LOCKPROOF_CHECKS ? checks[check].about : NULL;
}

/* States come in the order of their numbers, so the first that breaks it stays. */
static void require(const struct state *state, struct lockproof_finding *findings, enum check check, bool holds)
{
	struct lockproof_finding *finding = &findings[check];

	finding->checked++;
	if (holds)
		return;
	if (finding->broken++ > 0)
		return;
	finding->space = state->space->number;
	finding->call = state->number;
	finding->n = state->n;
}

static unsigned range_of(const struct state *state)
{
	return ((1U << state->call->pages) - 1) << state->call->page;
}

/* The pages that nobody may access, which can have no content. */
static unsigned unusable_pages(const struct state *state)
{
	unsigned unusable = 0;

	for (int page = 0; page < state->space->pages; page++) {
		if (state->space->what[page] % 3 == 0 && state->space->what[page] != PAGE_HOLE)
			unusable |= 1U << page;
	}
	return unusable;
}

static bool same_locks(const struct state *state)
{
	return state->before.locked == state->after.locked && state->before.elsewhere == state->after.elsewhere;
}

static bool same_outside(const struct state *state, unsigned range)
{
	return ((state->before.locked ^ state->after.locked) & ~range) == 0 &&
	       state->before.elsewhere == state->after.elsewhere;
}

/* Of several conditions that hold, any one may be reported. */
static void check_mlock(const struct state *state, struct lockproof_finding *findings)
{
	const unsigned range = range_of(state);
	const bool hole = (range & ~state->before.mapped) != 0, unusable = (range & unusable_pages(state)) != 0;
	const long result = state->result;

	if (hole)
		require(state, findings, MLOCK_UNMAPPED,
			result == -ENOMEM || (result == -EAGAIN && (state->injected || unusable)));
	if (result < 0) {
		require(state, findings, MLOCK_NO_CHANGE, same_locks(state));
		if (!hole)
			require(state, findings, MLOCK_ERRNO, result == -EAGAIN || (result == -ENOMEM && unusable));
		return;
	}
	require(state, findings, MLOCK_LOCKS,
		(range & ~state->after.locked) == 0 && (range & ~state->after.resident) == 0);
	require(state, findings, MLOCK_ONLY, same_outside(state, range));
}

static void check_munlock(const struct state *state, struct lockproof_finding *findings)
{
	const unsigned range = range_of(state);
	const bool hole = (range & ~state->before.mapped) != 0;
	const long result = state->result;

	if (hole)
		require(state, findings, MUNLOCK_UNMAPPED, result == -ENOMEM || (result == -EAGAIN && state->injected));
	if (result < 0) {
		require(state, findings, MUNLOCK_NO_CHANGE, same_locks(state));
		if (!hole)
			require(state, findings, MUNLOCK_ERRNO, result == -EAGAIN || result == -ENOMEM);
		return;
	}
	require(state, findings, MUNLOCK_UNLOCKS, (range & state->after.locked) == 0);
	require(state, findings, MUNLOCK_ONLY, same_outside(state, range));
}

static void check_mlockall(const struct state *state, struct lockproof_finding *findings)
{
	const struct view *before = &state->before, *after = &state->after;

	if (state->result < 0) {
		require(state, findings, MLOCKALL_NO_ADDITIONAL,
			(after->locked & ~before->locked) == 0 && after->elsewhere <= before->elsewhere);
		require(state, findings, MLOCKALL_NOT_ARMED, !after->future || before->future);
		require(state, findings, MLOCKALL_ERRNO, state->result == -EAGAIN);
		return;
	}
	if (state->call->flags & MCL_CURRENT) {
		require(state, findings, MLOCKALL_LOCKS,
			after->locked == after->mapped && after->elsewhere == OWN_PAGES);
		require(state, findings, MLOCKALL_RESIDENT,
			(after->mapped & ~after->resident & ~unusable_pages(state)) == 0);
	}
	if (state->call->flags & MCL_FUTURE)
		require(state, findings, MLOCKALL_ARMS, after->future);
}

static void check_munlockall(const struct state *state, struct lockproof_finding *findings)
{
	require(state, findings, MUNLOCKALL_ZERO, state->result == 0);
	require(state, findings, MUNLOCKALL_UNLOCKS, state->after.locked == 0 && state->after.elsewhere == 0);
	require(state, findings, MUNLOCKALL_DISARMS, !state->after.future);
}

static bool is_merged(const struct mm *mm)
{
	for (int vma = 0; vma + 1 < (int)mm->count; vma++) {
		if (vma_is_split(mm, vma))
			return false;
	}
	return true;
}

void check_state(const struct state *state, struct lockproof_finding *findings)
{
	static void (*const of_call[])(const struct state *, struct lockproof_finding *) = {
		check_mlock,
		check_munlock,
		check_mlockall,
		check_munlockall,
	};
	const size_t locked = (size_t)__builtin_popcount(state->after.locked) + state->after.elsewhere;

	of_call[state->kind](state, findings);
	require(state, findings, ACCOUNTING, state->after.accounted == locked);
	if (state->result < 0)
		require(state, findings, LAYOUT_FAILURE, state->before.starts == state->after.starts);
	else
		require(state, findings, LAYOUT_SUCCESS, is_merged(state->mm));
}
