/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_INNER_CALLS_H
#define LOCKPROOF_SHIMS_INNER_CALLS_H

#include <stddef.h>
#include <sys/mman.h>

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

/*
 * The functions that a shim stands in front of: those that come after it in
 * the order of the loader, or the bare system calls until the loader has
 * told, and where there are none. They give -1 and set errno as a libc's do.
 */
struct inner_calls {
	int (*mlock)(const void *address, size_t length);
	int (*mlock2)(const void *address, size_t length, unsigned flags);
	int (*munlock)(const void *address, size_t length);
	int (*mlockall)(int flags);
	int (*munlockall)(void);
	int (*msync)(void *address, size_t length, int flags);
};

extern struct inner_calls inner;

/* Asks the loader; to be called once, before there are threads. */
void inner_calls_find(void);

/* The next definition of another function; NULL: there is none. */
void *inner_function(const char *name);

#endif
