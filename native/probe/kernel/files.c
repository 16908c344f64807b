/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "program/text.h"

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1
#endif

enum { ROOM_FOR_PATH = 256 };

long file_in_memory(void)
{
	int file = (int)syscall(SYS_memfd_create, "lockproof", MFD_CLOEXEC);

	return file < 0 ? -errno : file;
}

static long open_new(const char *path)
{
	int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (file < 0)
		return -errno;
	unlink(path);
	return file;
}

/* Where a folder has no files without a name, it has one for a moment. */
static long open_in(const char *folder)
{
	int file = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	char path[ROOM_FOR_PATH];
	struct text text = text_in(path, sizeof(path));

	if (file >= 0)
		return file;
	text_format(&text, "%s/.lockproof-%d", folder, (int)getpid());
	text_close(&text);
	return text.overflowed ? -ENAMETOOLONG : open_new(path);
}

static long open_in_first(const char *const *folders, size_t count)
{
	long first = 0, file = -ENOENT;

	for (size_t i = 0; i < count && file < 0; i++) {
		file = folders[i] ? open_in(folders[i]) : -ENOENT;
		if (!i)
			first = file;
	}
	if (file < 0)
		file = file_in_memory();
	return file < 0 ? first : file;
}

long file_in_folder(void)
{
	const char *const folders[] = { "/tmp", getenv("TMPDIR"), "/var/tmp", "/dev/shm" };

	return open_in_first(folders, sizeof(folders) / sizeof(folders[0]));
}

long file_of_shm(void)
{
	static const char *const folders[] = { "/dev/shm" };

	return open_in_first(folders, 1);
}
