/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_MEMORY_FILE_H
#define LOCKPROOF_KERNEL_MEMORY_FILE_H

/* A file in memory that has no name, and that new images do not inherit; or -errno. */
long memory_file(void);

#endif
