/* SPDX-License-Identifier: Apache-2.0 */

/* The log of libfault.so, a line of JSON for each call: docs/inject.md. */
#undef _FILE_OFFSET_BITS /* with 64 glibc lets the name fstat stand for fstat64, which not every libc has */
#define _GNU_SOURCE

#include "fault_log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "program/trace.h"

enum { LINE_ROOM = 1024, PATH_ROOM = 512, HIGH_UP = 700 };

extern __typeof__(dladdr) dladdr __attribute__((weak));

static char path[PATH_MAX]; /* a copy: programs write over their environment */
static int channel = -1;
static dev_t device;
static ino_t inode;

/* Programs close the descriptors that they do not know, or use their numbers for files of their own. */
static bool is_still_there(void)
{
	struct stat now;

	return channel >= 0 && fstat(channel, &now) == 0 && now.st_dev == device && now.st_ino == inode;
}

/* High up, where it takes no number that a program expects for a file of its own. */
static bool open_channel(int flags)
{
	int low = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0666);
	int high = low < 0 ? -1 : (int)syscall(SYS_fcntl, low, F_DUPFD_CLOEXEC, HIGH_UP);
	struct stat now;

	channel = low;
	if (high >= 0) {
		syscall(SYS_close, low);
		channel = high;
	}
	if (channel < 0 || fstat(channel, &now) < 0)
		return false;
	device = now.st_dev;
	inode = now.st_ino;
	return true;
}

bool fault_log_start(const char *file)
{
	size_t length = file ? strlen(file) : 0;

	if (!length)
		return true;
	if (length >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(path, file, length);
	return open_channel(O_CREAT);
}

/* The loader knows the program by its first argument only, which it may have changed. */
static bool is_program(const Dl_info *found)
{
	return (getauxval(AT_PHDR) & ~(getauxval(AT_PAGESZ) - 1)) == (unsigned long)found->dli_fbase;
}

/* The path of the library, or of the program, that an address lies in; NULL: none. */
static const char *object_of(const void *address, char room[PATH_ROOM])
{
	Dl_info found;
	long length;

	if (!dladdr || !dladdr(address, &found) || !found.dli_fname)
		return NULL;
	length = is_program(&found) ? syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", room, PATH_ROOM - 1) : -1;
	if (length < 0)
		return found.dli_fname;
	room[length] = '\0';
	return room;
}

void fault_log(const struct record *record, const void *caller)
{
	char buffer[LINE_ROOM], room[PATH_ROOM];
	struct trace line = trace_in(buffer, sizeof(buffer));

	if (!*path || (!is_still_there() && !open_channel(0)))
		return;
	record_write(&line, record, (int)syscall(SYS_getpid), object_of(caller, room));
	trace_end_line(&line);
	syscall(SYS_write, channel, buffer, line.complete);
}
