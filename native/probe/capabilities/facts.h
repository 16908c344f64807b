/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_CAPABILITIES_FACTS_H
#define LOCKPROOF_CAPABILITIES_FACTS_H

#include "kernel/kernel.h"
#include "program/answer.h"
#include "program/program.h"
#include "program/system.h"

enum { MOST_TRIALS = 48 };

/* How a trial ended. */
enum attempt_end { ATTEMPT_ANSWERED, ATTEMPT_DIED, ATTEMPT_HUNG, ATTEMPT_NOT_STARTED, ATTEMPT_LOST };

struct attempt {
	enum attempt_end end;
	int number; /* errno of the answer (0: none), the signal, errno of the fork, of telling what was found */
};

/* What was found out about the target. */
struct facts {
	struct attempt attempts[MOST_TRIALS]; /* as trials.h numbers them */
	struct observers observers;
	enum apart apart;
	bool residency_disputed; /* two ways to see it contradict each other */
	bool lock_modes;
	bool mcl_onfault; /* mlockall takes MCL_ONFAULT */
	bool guard;
	size_t thp; /* pages of a transparent huge page; 0: there are none */
	bool privileged;
	long own_pages; /* -1: not known */
	bool faults[FAULT_KIND_COUNT];
	bool faults_apart; /* of slab objects and of pages */
	bool shim;	   /* they are its */
	bool limit_memory;
	bool reclaim[KIND_COUNT]; /* memory that can be taken back */
	struct counts counts;	  /* settled, where nothing else runs */
};

/* Finds out what the kernel can do by trying, in children, so that the process itself stays as it is. */
void facts_find(const struct kernel *kernel, struct facts *facts);

/* What of it programs depend on. */
struct abilities facts_abilities(const struct kernel *kernel, const struct facts *facts);

#endif
