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

#include "program/errnames.h"
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

static void write_caller(struct trace *line, const void *caller)
{
	char program[PATH_ROOM];
	Dl_info found;
	long length;

	text_format(&line->text, ",\"caller\":");
	if (!dladdr || !dladdr(caller, &found) || !found.dli_fname) {
		text_format(&line->text, "null");
		return;
	}
	length = is_program(&found) ? syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", program, PATH_ROOM - 1) : -1;
	if (length >= 0)
		program[length] = '\0';
	trace_string(line, length >= 0 ? program : found.dli_fname);
}

bool fault_log(const struct record *record)
{
	char buffer[LINE_ROOM], unknown[NAME_ROOM];
	struct trace line = trace_in(buffer, sizeof(buffer));
	struct text *text = &line.text;

	if (!*path)
		return true; /* nobody asked for it */
	if (!is_still_there() && !open_channel(0))
		return false;
	text_format(text, "{\"pid\":%d,\"n\":%lu,\"nth\":%lu,\"call\":\"%s\",\"address\":\"0x%lx\"",
		    (int)syscall(SYS_getpid), record->of_all, record->nth, call_name(record->call),
		    (unsigned long)record->address);
	text_format(text, ",\"length\":%lu,\"flags\":%d", (unsigned long)record->length, record->flags);
	write_caller(&line, record->caller);
	text_format(text, ",\"manner\":");
	if (record->manner == AS_IT_IS)
		text_format(text, "null");
	else
		trace_string(&line, manner_name(record->manner));
	text_format(text, ",\"result\":\"%s\"}", record->error ? error_name(record->error, unknown) : "0");
	return trace_end_line(&line) && syscall(SYS_write, channel, buffer, line.complete) == (long)line.complete;
}
