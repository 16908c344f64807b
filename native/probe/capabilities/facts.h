/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_CAPABILITIES_FACTS_H
#define LOCKPROOF_CAPABILITIES_FACTS_H

#include "kernel/kernel.h"
#include "program/answer.h"
#include "program/program.h"
#include "program/system.h"

enum { MOST_CALLS = 24 };

/* What was found out about the target. */
struct facts {
	struct observers observers;
	bool lock_modes;
	bool calls[MOST_CALLS];
	bool kinds[KIND_COUNT];
	bool guard;
	bool privileged;
	long own_pages; /* -1: not known */
	bool faults[FAULT_KIND_COUNT];
	bool shim; /* they are its */
	bool limit_memory;
	struct counts counts; /* settled, where nothing else runs */
};

/* Finds out what the kernel can do by trying, in children, so that the process itself stays as it is. */
void facts_find(const struct kernel *kernel, struct facts *facts);

/* What of it programs depend on. */
struct abilities facts_abilities(const struct kernel *kernel, const struct facts *facts);

#endif
