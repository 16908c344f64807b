/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_FAULT_LOG_H
#define LOCKPROOF_SHIMS_FAULT_LOG_H

#include "fault_record.h"
#include <stdbool.h>

/* Opens a file; no name: nothing is logged. False: it cannot be opened, as errno says. */
bool fault_log_start(const char *file);

/*
 * Writes a line, into a file opened again where the program has closed it. It
 * is lost where that cannot be. `caller`: the address that the call returns to.
 */
void fault_log(const struct record *record, const void *caller);

#endif
