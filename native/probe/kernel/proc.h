/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_PROC_H
#define LOCKPROOF_KERNEL_PROC_H

/*
 * The number after `key` at the beginning of a line, as "VmLck:", or the first
 * number of the file where the key is "". -1: no such file or line.
 */
long proc_number(const char *path, const char *key);

#endif
