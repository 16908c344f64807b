/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_FILES_H
#define LOCKPROOF_KERNEL_FILES_H

/*
 * Files that have no name, and that new images do not inherit. Each gives a
 * descriptor, or -errno: of the first place where one was looked for.
 */

/* In memory. */
long file_in_memory(void);

/* In a folder for files of a short life; where there is none, in memory. */
long file_in_folder(void);

/* Where C libraries have shared memory of POSIX; where there is no such folder, in memory. */
long file_of_shm(void);

#endif
