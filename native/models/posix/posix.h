/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_POSIX_POSIX_H
#define LOCKPROOF_POSIX_POSIX_H

#include "program/system.h"

/* Makes the calls of a task (task.h) those of POSIX.1-2024. */
void posix_calls(struct system *system);

#endif
