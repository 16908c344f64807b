/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/memory_file.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1
#endif

long memory_file(void)
{
	int file = (int)syscall(SYS_memfd_create, "lockproof", MFD_CLOEXEC);

	return file < 0 ? -errno : file;
}
