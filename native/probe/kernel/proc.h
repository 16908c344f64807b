/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_PROC_H
#define LOCKPROOF_KERNEL_PROC_H

/* Files of /proc and /sys. A file is opened below a directory, and not inherited by new images. */

int proc_open_in(const char *directory, const char *name, int flags);

/* Writes a text; 0 or -errno. */
long proc_write(const char *path, const char *text);
long proc_write_in(const char *directory, const char *name, const char *text);

/* The number at the beginning of a file that is open; -1: none. */
long long proc_number_at(int file);

/*
 * The number after `key` at the beginning of a line, as "VmLck:", or the first
 * number of the file where the key is "". -1: no such file or line. What the
 * kernel counts below nothing it writes as a huge number: it is negative here.
 */
long proc_number(const char *path, const char *key);

/* The same of a file that is open, as it reads now; of -1, which is none, -1. */
long proc_number_in(int file, const char *key);

#endif
