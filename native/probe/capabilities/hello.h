/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_CAPABILITIES_HELLO_H
#define LOCKPROOF_CAPABILITIES_HELLO_H

#include "capabilities/facts.h"
#include "program/trace.h"

/* The first line of all: what the target is and what it can do. */
void hello_write(const struct kernel *kernel, const struct facts *facts, struct trace *trace);

#endif
