/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "locked_memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STATUS_ROOM = 4096 };

bool has_locked_memory(void)
{
	static const char key[] = "\nVmLck:";
	char status[STATUS_ROOM];
	int file = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
	long count = file < 0 ? 0 : syscall(SYS_read, file, status, sizeof(status) - 1);
	const char *found;

	if (file >= 0)
		syscall(SYS_close, file);
	status[count < 0 ? 0 : count] = '\0';
	found = strstr(status, key);
	if (!found)
		return false;
	found += strlen(key);
	return found[strspn(found, " \t")] != '0';
}
