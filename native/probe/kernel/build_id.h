/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_BUILD_ID_H
#define LOCKPROOF_KERNEL_BUILD_ID_H

#include <stdbool.h>
#include <stddef.h>

enum { BUILD_ID_ROOM = 65 }; /* 32 bytes as hexadecimal digits, and the end */

/*
 * Finds the build id among ELF notes (elf(5), NT_GNU_BUILD_ID), and writes it
 * as hexadecimal digits. False: there is none, or one that is too long.
 */
bool build_id_find(const unsigned char *notes, size_t size, char id[static BUILD_ID_ROOM]);

/* That of the running kernel, from /sys/kernel/notes. */
bool build_id_read(char id[static BUILD_ID_ROOM]);

/* That of this program, as its linker has put it there. */
bool build_id_own(char id[static BUILD_ID_ROOM]);

#endif
