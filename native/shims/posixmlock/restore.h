/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_RESTORE_H
#define LOCKPROOF_SHIMS_RESTORE_H

#include "lock_call.h"
#include "under_way.h"

/*
 * Learns what the record's call would have to restore: how each page of its
 * range is locked, or was before the calls that are under way, too. False: it
 * cannot be known, or there is no room for it, and the record is `unseen`.
 */
bool learn(struct record *record);

/*
 * The call has failed, with that errno: makes the locks in its range what they
 * were, looks again afterwards, and reports what differs still. In the section.
 */
void restore(const struct lock_call *call, struct record *record, int error);

#endif
