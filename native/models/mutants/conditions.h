/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_MUTANTS_CONDITIONS_H
#define LOCKPROOF_MUTANTS_CONDITIONS_H

/* What mutants are made of: the calls after which a defect shows. */

#include "mutants/mutants.h"

bool always(const struct task_call *call);
bool ok(const struct task_call *call);
bool failed(const struct task_call *call);
bool at_hole(const struct task_call *call);	  /* failed, as some of the range is not mapped */
bool at_last_hole(const struct task_call *call);  /* only its last page is not */
bool at_first_hole(const struct task_call *call); /* only its first page is not */
bool at_unaligned_hole(const struct task_call *call);
bool for_wrap(const struct task_call *call);
bool for_limit(const struct task_call *call);	     /* RLIMIT_MEMLOCK */
bool for_privilege(const struct task_call *call);    /* EPERM */
bool for_flags(const struct task_call *call);	     /* EINVAL */
bool for_advice_to_go(const struct task_call *call); /* on locked pages, that they are cold or may be paged out */
bool for_shortage(const struct task_call *call);     /* what could not be had, or made resident */
bool for_unbacked(const struct task_call *call);     /* a page past the end of its file */
bool for_unusable(const struct task_call *call);     /* a page that nobody may access, such as PROT_NONE */
bool for_fault(const struct task_call *call);	     /* an allocation that was made to fail */
bool for_memory(const struct task_call *call);	     /* memory that has run out */
bool for_busy(const struct task_call *call);	     /* EBUSY */
bool ok_unaligned(const struct task_call *call);
bool ok_future(const struct task_call *call);	/* mlockall with MCL_FUTURE, or anything while that is in force */
bool ok_current(const struct task_call *call);	/* mlockall without MCL_FUTURE, where it was in force */
bool ok_on_fault(const struct task_call *call); /* that asks for locks on fault */
bool ok_eager(const struct task_call *call);	/* that does not */
bool ok_locked(const struct task_call *call);	/* where some of the range was locked before */
bool ok_unlocked(const struct task_call *call); /* where none of it was */
bool ok_shm_unlock(const struct task_call *call);
bool ok_segment(const struct task_call *call); /* where a segment was that SHM_LOCK had locked */
bool ok_privileged(const struct task_call *call);
bool ok_limited(const struct task_call *call); /* by one who may not lock without limit */
bool ok_within_future(const struct task_call *call);
bool ok_current_now(const struct task_call *call);  /* mlockall with MCL_CURRENT */
bool ok_over_mapping(const struct task_call *call); /* mmap under MCL_FUTURE over other mappings */
bool ok_grown(const struct task_call *call);	    /* touch, of what a stack grew by */
bool for_past_end(const struct task_call *call);    /* touch, of a page behind the end of a file */
bool for_no_memory(const struct task_call *call);   /* touch, of a page that is not mapped */
bool for_no_access(const struct task_call *call);   /* touch, of a page of PROT_NONE */
bool for_guard(const struct task_call *call);	    /* touch, of a guard page */
bool for_no_room(const struct task_call *call);	    /* touch, below a stack that does not grow there */
bool for_mixed_flags(const struct task_call *call); /* an unknown flag beside known ones */
bool for_onfault_alone(const struct task_call *call);
bool for_busy_later(const struct task_call *call);   /* the first page is not locked */
bool for_busy_earlier(const struct task_call *call); /* the last page is not locked */
bool at_map_count(const struct task_call *call);     /* no mapping can be added */
bool at_map_count_failed(const struct task_call *call);
bool after_exec(const struct task_call *call);	       /* of the child that has left */
bool after_onfault(const struct task_call *call);      /* a parent with MCL_ONFAULT */
bool for_unusable_later(const struct task_call *call); /* mmap, of what nobody may access */
bool failed_or_seen(const struct task_call *call);
bool ok_locked_or_seen(const struct task_call *call);
bool failed_or_reclaimed(const struct task_call *call);
bool ok_on_fault_or_reclaimed(const struct task_call *call);

#endif
