/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_HELLO_H
#define LOCKPROOF_HELLO_H

#include "facts.h"
#include "trace.h"

/* The first line of all: what the target is and what it can do. */
void hello_write(const struct kernel *kernel, const struct facts *facts, struct trace *trace);

#endif
