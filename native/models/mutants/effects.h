/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MUTANTS_EFFECTS_H
#define LOCKPROOF_MUTANTS_EFFECTS_H

/* What mutants are made of: what a defect does to a call that was made. */

#include "mutants/mutants.h"

enum { SHARED = 1 << 8 }; /* added to a kind of memory */

/* Results. */
void give(struct call *call);	     /* the errno */
void succeed(struct call *call);     /* nothing done */
void succeed_all(struct call *call); /* what is mapped of the range is locked, or unlocked */
void give_and_undo(struct call *call);
void succeed_evicted(struct call *call);
void commit_anyway(struct call *call); /* the mapping is made though it failed */
void map_unlocked(struct call *call);

/* Locks of the range. */
void undo(struct call *call); /* all as before */
void undo_first_page(struct call *call);
void undo_last_page(struct call *call);
void undo_first_mapping(struct call *call);
void undo_second_mapping(struct call *call);
void undo_last_mapping(struct call *call);
void undo_kind(struct call *call);	  /* on private memory of that kind */
void undo_shared_kind(struct call *call); /* on shared memory of that kind */
void undo_protection(struct call *call);
void undo_own(struct call *call);      /* outside the arena */
void undo_on_fault(struct call *call); /* of pages that were locked on fault */
void undo_locked(struct call *call);   /* unlocks what was locked before */
void one_more(struct call *call);      /* the page after the range too */
void one_before(struct call *call);
void whole_mapping(struct call *call); /* what was done to one page is done to its whole mapping */

/* What a failure leaves. */
void do_prefix(struct call *call); /* up to the first page that is not mapped is done */
void do_half(struct call *call);   /* the first pages, not the last */
void do_mapped(struct call *call); /* all that is mapped */
void do_suffix(struct call *call); /* what is mapped after the hole */
void do_first_mapping(struct call *call);
void do_own(struct call *call);
void do_half_of_arena(struct call *call);
void lock_all(struct call *call);
void lock_before(struct call *call); /* the page before the range */
void lock_like_neighbour(struct call *call);
void unlock_kind(struct call *call);
void unlock_shared_kind(struct call *call);
void unlock_range(struct call *call);
void unlock_everything(struct call *call);
void unlock_outside(struct call *call);
void spread(struct call *call);	      /* from locked pages of the range to all of it */
void change_mode(struct call *call);  /* of all locks on fault */
void split(struct call *call);	      /* mappings at the ends of the range */
void stay_split(struct call *call);   /* mappings of the range begin and end where they did */
void eat_headroom(struct call *call); /* the limit becomes lower by the range */

/* Modes and residency. */
void lock_on_fault(struct call *call);
void lock_eager(struct call *call);
void populate(struct call *call);
void evict(struct call *call);
void evict_last_page(struct call *call);
void evict_next_page(struct call *call);
void evict_kind(struct call *call);
void evict_shared_kind(struct call *call);

/* MCL_FUTURE. */
void disarm(struct call *call);
void arm_eager(struct call *call);
void restore_future(struct call *call);
void cancel_for_good(struct call *call);

/* Processes. */
void inherit(struct call *call);
void inherit_shared(struct call *call);
void inherit_own(struct call *call);
void inherit_kind(struct call *call);
void inherit_future(struct call *call);
void inherit_on_fault(struct call *call);
void lose_shared(struct call *call);  /* locks on shared memory, that the other process does not have */
void lose_if_gone(struct call *call); /* those, where the other process has no memory any more */
void lose_all(struct call *call);     /* the same of all memory */
void lose_locked(struct call *call);  /* locks on shared memory, that the other process has too */
void adopt(struct call *call);	      /* the other's locks */
void lose_future(struct call *call);  /* where the other has none */
void adopt_future(struct call *call);
void lock_own(struct call *call);
void unlock_aliases(struct call *call);

/* Notes about pages. */
void nest(struct call *call);
void lock_noted(struct call *call);
void inherit_noted(struct call *call);
void lock_unlocked(struct call *call); /* what is there without a lock */

/* Snapshots. */
void misreport(struct call *call);
void count_eager_only(struct call *call);
void hide_last_lock(struct call *call);

/* Before the call. */
void more_allowed(struct call *call); /* by the number of pages */
void as_privileged(struct call *call);
void as_unprivileged(struct call *call);
void count_twice(struct call *call);
void zero_as_none(struct call *call);
void round_limit_up(struct call *call);
void restore(struct call *call); /* what one of these has changed; after the call */

#endif
