/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MUTANTS_EFFECTS_H
#define LOCKPROOF_MUTANTS_EFFECTS_H

/* What mutants are made of: what a defect does to a call that was made. */

#include "mutants/mutants.h"

enum { SHARED = 1 << 8 }; /* added to a kind of memory */

/* Results. */
void give(struct task_call *call);	  /* the errno */
void succeed(struct task_call *call);	  /* nothing done */
void succeed_all(struct task_call *call); /* what is mapped of the range is locked, or unlocked */
void signal_with(struct task_call *call); /* an access ends with that signal */
void give_and_undo(struct task_call *call);
void succeed_evicted(struct task_call *call);
void commit_anyway(struct task_call *call); /* the mapping is made though it failed */
void map_unlocked(struct task_call *call);

/* Locks of the range. */
void undo(struct task_call *call); /* all as before */
void undo_first_page(struct task_call *call);
void undo_last_page(struct task_call *call);
void undo_first_mapping(struct task_call *call);
void undo_second_mapping(struct task_call *call);
void undo_last_mapping(struct task_call *call);
void undo_kind(struct task_call *call);	       /* on private memory of that kind */
void undo_shared_kind(struct task_call *call); /* on shared memory of that kind */
void undo_protection(struct task_call *call);
void undo_own(struct task_call *call);	    /* outside the arena */
void undo_on_fault(struct task_call *call); /* of pages that were locked on fault */
void undo_locked(struct task_call *call);   /* unlocks what was locked before */
void one_more(struct task_call *call);	    /* the page after the range too */
void one_before(struct task_call *call);
void whole_mapping(struct task_call *call); /* what was done to one page is done to its whole mapping */

/* What a failure leaves. */
void do_prefix(struct task_call *call); /* up to the first page that is not mapped is done */
void do_half(struct task_call *call);	/* the first pages, not the last */
void do_mapped(struct task_call *call); /* all that is mapped */
void do_suffix(struct task_call *call); /* what is mapped after the hole */
void do_first_mapping(struct task_call *call);
void do_own(struct task_call *call);
void do_half_of_arena(struct task_call *call);
void lock_all(struct task_call *call);
void lock_before(struct task_call *call); /* the page before the range */
void lock_like_neighbour(struct task_call *call);
void unlock_kind(struct task_call *call);
void unlock_shared_kind(struct task_call *call);
void unlock_range(struct task_call *call);
void unlock_everything(struct task_call *call);
void unlock_outside(struct task_call *call);
void spread(struct task_call *call);	    /* from locked pages of the range to all of it */
void change_mode(struct task_call *call);   /* of all locks on fault */
void split(struct task_call *call);	    /* mappings at the ends of the range */
void stay_split(struct task_call *call);    /* mappings of the range begin and end where they did */
void eat_headroom(struct task_call *call);  /* the limit becomes lower by the range */
void grow_unlocked(struct task_call *call); /* the mapping behind the range begins with it */

/* Modes and residency. */
void lock_on_fault(struct task_call *call);
void lock_eager(struct task_call *call);
void populate(struct task_call *call);
void evict(struct task_call *call);
void evict_last_page(struct task_call *call);
void evict_next_page(struct task_call *call);
void lend(struct task_call *call); /* what is there is still to be copied when it is written to */
void evict_kind(struct task_call *call);
void evict_shared_kind(struct task_call *call);

/* MCL_FUTURE. */
void disarm(struct task_call *call);
void arm_eager(struct task_call *call);
void restore_future(struct task_call *call);
void cancel_for_good(struct task_call *call);

/* Processes. */
void inherit(struct task_call *call);
void inherit_shared(struct task_call *call);
void inherit_own(struct task_call *call);
void inherit_kind(struct task_call *call);
void inherit_future(struct task_call *call);
void inherit_on_fault(struct task_call *call);
void lose_shared(struct task_call *call);  /* locks on shared memory, that the other process does not have */
void lose_if_gone(struct task_call *call); /* those, where the other process has no memory any more */
void lose_all(struct task_call *call);	   /* the same of all memory */
void lose_locked(struct task_call *call);  /* locks on shared memory, that the other process has too */
void adopt(struct task_call *call);	   /* the other's locks */
void lose_future(struct task_call *call);  /* where the other has none */
void adopt_future(struct task_call *call);
void lock_own(struct task_call *call);
void unlock_aliases(struct task_call *call);

/* Notes about pages. */
void nest(struct task_call *call);
void lock_noted(struct task_call *call);
void inherit_noted(struct task_call *call);
void lock_unlocked(struct task_call *call); /* what is there without a lock */

/* Snapshots. */
void misreport(struct task_call *call);
void count_eager_only(struct task_call *call);
void hide_last_lock(struct task_call *call);

/* Before the call. */
void more_allowed(struct task_call *call); /* by the number of pages */
void as_privileged(struct task_call *call);
void as_unprivileged(struct task_call *call);
void count_twice(struct task_call *call);
void zero_as_none(struct task_call *call);
void round_limit_up(struct task_call *call);
void restore(struct task_call *call); /* what one of these has changed; after the call */

/* Memory that is taken back. */
void take_locked(struct task_call *call); /* locks that are eager do not keep it */
void take_on_fault(struct task_call *call);
void take_locked_kind(struct task_call *call);
void take_locked_shared_kind(struct task_call *call);
void take_not_writable(struct task_call *call);
void take_beside_unlocked(struct task_call *call); /* a locked page, where the next one is not locked */
void take_locked_large(struct task_call *call);	   /* locked pages of a mapping of a huge page's size */
void lose_pin(struct task_call *call);		   /* what the call names stays locked, and is taken next time */
void lose_relocked(struct task_call *call);	   /* what was locked before the call */
void lose_all_pins(struct task_call *call);	   /* the same of all that is locked */
void take_from_parent(struct task_call *call);	   /* the locks of a parent do not keep it */
void take_shared_twice(struct task_call *call);	   /* nor those of memory that is mapped once more */

#endif
