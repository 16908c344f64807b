/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MUTANT_ACTS_H
#define LOCKPROOF_MUTANT_ACTS_H

/* What mutants are made of: when a defect shows, and what it does. */

#include "mutants.h"

enum { SHARED = 1 << 8 }; /* added to a kind of memory */

/* When. */
bool always(const struct deed *deed);
bool ok(const struct deed *deed);
bool failed(const struct deed *deed);
bool at_hole(const struct deed *deed);	     /* failed, as some of the range is not mapped */
bool at_last_hole(const struct deed *deed);  /* only its last page is not */
bool at_first_hole(const struct deed *deed); /* only its first page is not */
bool at_unaligned_hole(const struct deed *deed);
bool for_wrap(const struct deed *deed);
bool for_limit(const struct deed *deed);     /* RLIMIT_MEMLOCK */
bool for_privilege(const struct deed *deed); /* EPERM */
bool for_flags(const struct deed *deed);     /* EINVAL */
bool for_shortage(const struct deed *deed);  /* what could not be had, or made resident */
bool for_unbacked(const struct deed *deed);  /* a page past the end of its file */
bool for_unusable(const struct deed *deed);  /* a page that nobody may access, such as PROT_NONE */
bool for_fault(const struct deed *deed);     /* an allocation that was made to fail */
bool for_memory(const struct deed *deed);    /* memory that has run out */
bool for_busy(const struct deed *deed);	     /* EBUSY */
bool ok_unaligned(const struct deed *deed);
bool ok_future(const struct deed *deed);   /* mlockall with MCL_FUTURE, or anything while that is in force */
bool ok_current(const struct deed *deed);  /* mlockall without MCL_FUTURE, where it was in force */
bool ok_on_fault(const struct deed *deed); /* that asks for locks on fault */
bool ok_eager(const struct deed *deed);	   /* that does not */
bool ok_locked(const struct deed *deed);   /* where some of the range was locked before */
bool ok_unlocked(const struct deed *deed); /* where none of it was */
bool ok_privileged(const struct deed *deed);
bool ok_limited(const struct deed *deed); /* by one who may not lock without limit */
bool ok_within_future(const struct deed *deed);
bool ok_current_now(const struct deed *deed);  /* mlockall with MCL_CURRENT */
bool ok_over_mapping(const struct deed *deed); /* mmap under MCL_FUTURE over other mappings */
bool ok_grown(const struct deed *deed);	       /* touch, of what a stack grew by */
bool for_mixed_flags(const struct deed *deed); /* an unknown flag beside known ones */
bool for_onfault_alone(const struct deed *deed);
bool for_busy_later(const struct deed *deed);	/* the first page is not locked */
bool for_busy_earlier(const struct deed *deed); /* the last page is not locked */
bool at_map_count(const struct deed *deed);	/* no mapping can be added */
bool at_map_count_failed(const struct deed *deed);
bool after_exec(const struct deed *deed);    /* of the child that has left */
bool after_onfault(const struct deed *deed); /* a parent with MCL_ONFAULT */
bool failed_or_seen(const struct deed *deed);

/* Results. */
void give(struct deed *deed);	     /* the errno */
void succeed(struct deed *deed);     /* nothing done */
void succeed_all(struct deed *deed); /* what is mapped of the range is locked, or unlocked */
void give_and_undo(struct deed *deed);
void succeed_evicted(struct deed *deed);
void commit_anyway(struct deed *deed); /* the mapping is made though it failed */
void map_unlocked(struct deed *deed);

/* Locks of the range. */
void undo(struct deed *deed); /* all as before */
void undo_first_page(struct deed *deed);
void undo_last_page(struct deed *deed);
void undo_first_mapping(struct deed *deed);
void undo_second_mapping(struct deed *deed);
void undo_last_mapping(struct deed *deed);
void undo_kind(struct deed *deed);	  /* on private memory of that kind */
void undo_shared_kind(struct deed *deed); /* on shared memory of that kind */
void undo_protection(struct deed *deed);
void undo_own(struct deed *deed);      /* outside the arena */
void undo_on_fault(struct deed *deed); /* of pages that were locked on fault */
void undo_locked(struct deed *deed);   /* unlocks what was locked before */
void one_more(struct deed *deed);      /* the page after the range too */
void one_before(struct deed *deed);
void whole_mapping(struct deed *deed); /* what was done to one page is done to its whole mapping */

/* What a failure leaves. */
void do_prefix(struct deed *deed); /* up to the first page that is not mapped is done */
void do_half(struct deed *deed);   /* the first pages, not the last */
void do_mapped(struct deed *deed); /* all that is mapped */
void do_suffix(struct deed *deed); /* what is mapped after the hole */
void do_first_mapping(struct deed *deed);
void do_own(struct deed *deed);
void do_half_of_arena(struct deed *deed);
void lock_all(struct deed *deed);
void lock_before(struct deed *deed); /* the page before the range */
void lock_like_neighbour(struct deed *deed);
void unlock_kind(struct deed *deed);
void unlock_shared_kind(struct deed *deed);
void unlock_range(struct deed *deed);
void unlock_everything(struct deed *deed);
void unlock_outside(struct deed *deed);
void spread(struct deed *deed);	      /* from locked pages of the range to all of it */
void change_mode(struct deed *deed);  /* of all locks on fault */
void split(struct deed *deed);	      /* mappings at the ends of the range */
void stay_split(struct deed *deed);   /* mappings of the range begin and end where they did */
void eat_headroom(struct deed *deed); /* the limit becomes lower by the range */

/* Modes and residency. */
void lock_on_fault(struct deed *deed);
void lock_eager(struct deed *deed);
void populate(struct deed *deed);
void evict(struct deed *deed);
void evict_last_page(struct deed *deed);
void evict_next_page(struct deed *deed);
void evict_kind(struct deed *deed);
void evict_shared_kind(struct deed *deed);

/* MCL_FUTURE. */
void disarm(struct deed *deed);
void arm_eager(struct deed *deed);
void restore_future(struct deed *deed);
void cancel_for_good(struct deed *deed);

/* Processes. */
void inherit(struct deed *deed);
void inherit_shared(struct deed *deed);
void inherit_own(struct deed *deed);
void inherit_kind(struct deed *deed);
void inherit_future(struct deed *deed);
void inherit_on_fault(struct deed *deed);
void lose_shared(struct deed *deed);  /* locks on shared memory, that the other process does not have */
void lose_if_gone(struct deed *deed); /* those, where the other process has no memory any more */
void lose_all(struct deed *deed);     /* the same of all memory */
void lose_locked(struct deed *deed);  /* locks on shared memory, that the other process has too */
void adopt(struct deed *deed);	      /* the other's locks */
void lose_future(struct deed *deed);  /* where the other has none */
void adopt_future(struct deed *deed);
void lock_own(struct deed *deed);
void unlock_aliases(struct deed *deed);

/* Notes about pages. */
void nest(struct deed *deed);
void lock_noted(struct deed *deed);
void inherit_noted(struct deed *deed);
void lock_unlocked(struct deed *deed); /* what is there without a lock */

/* Snapshots. */
void misreport(struct deed *deed);
void count_eager_only(struct deed *deed);
void hide_last_lock(struct deed *deed);

/* Before the call. */
void more_allowed(struct deed *deed); /* by the number of pages */
void as_privileged(struct deed *deed);
void as_unprivileged(struct deed *deed);
void count_twice(struct deed *deed);
void zero_as_none(struct deed *deed);
void round_limit_up(struct deed *deed);
void restore(struct deed *deed); /* what one of these has changed; after the call */

#endif
