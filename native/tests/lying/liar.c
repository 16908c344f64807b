/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Preloaded into the probe that calls through a libc, a kernel that does not do
 * what it says, or does not say what it did: LIE names how. tests/corpus/
 * test_lying_targets.py has the list.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool lies(const char *how)
{
	const char *lie = getenv("LIE");

	return lie && strcmp(lie, how) == 0;
}

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static unsigned long page_of(unsigned long address)
{
	return address / (unsigned long)getpagesize() * (unsigned long)getpagesize();
}

static void replace_all(char *text, size_t size, const char *old, const char *new)
{
	size_t length = strlen(old);

	for (char *at = text; (at = memmem(at, size - (size_t)(at - text), old, length)) != NULL; at += length)
		memcpy(at, new, length);
}

static void replace_digits(char *text, size_t size, const char *key)
{
	char *at = memmem(text, size, key, strlen(key));

	for (; at && at < text + size && *at != '\n'; at++) {
		if (*at >= '0' && *at <= '9')
			*at = '0';
	}
}

/* What the kernel says of mappings and of the process. */
static void falsify(char *text, size_t size)
{
	if (lies("smaps shows no locks"))
		replace_all(text, size, " lo", "   ");
	if (lies("smaps shows locks everywhere"))
		replace_all(text, size, " ac", " lo");
	if (lies("smaps has no VmFlags"))
		replace_all(text, size, "VmFlags:", "Nothing:");
	if (lies("VmLck is always 0"))
		replace_digits(text, size, "VmLck:");
}

ssize_t read(int file, void *bytes, size_t size)
{
	ssize_t (*real_read)(int, void *, size_t) = real("read");
	ssize_t count = real_read(file, bytes, size);

	if (count > 0)
		falsify(bytes, (size_t)count);
	return count;
}

/* The observers of the probe make their system calls through this. */
long syscall(long number, ...)
{
	long (*real_syscall)(long, ...) = real("syscall");
	long arguments[6], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	result = real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
			      arguments[5]);
	if (number == SYS_read && result > 0)
		falsify((char *)arguments[1], (size_t)result);
	if (number == SYS_mincore && result == 0 && lies("mincore says that all is resident"))
		memset((char *)arguments[2], 1, ((size_t)arguments[1] + 4095) / 4096);
	return result;
}

struct span {
	unsigned long start, end;
};

/* The mapping that has this page. */
static struct span mapping_of(unsigned long address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct span span = { 0 };
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &span.start, &span.end) == 2 && span.start <= address && address < span.end)
			break;
	}
	if (maps)
		fclose(maps);
	return span;
}

int mlock(const void *memory, size_t length)
{
	int (*real_mlock)(const void *, size_t) = real("mlock");
	unsigned long address = (unsigned long)memory;
	struct span span;

	if (lies("mlock only brings pages in")) {
		for (unsigned long page = page_of(address); page < address + length;
		     page += (unsigned long)getpagesize())
			(void)*(volatile char *)page;
		return 0;
	}
	if (lies("mlock locks the whole mapping")) {
		span = mapping_of(address);
		return real_mlock((void *)span.start, span.end - span.start);
	}
	if (lies("mlock locks half of the range"))
		return real_mlock(memory, length / 2);
	if (lies("mlock locks without bringing pages in"))
		return mlock2(memory, length, MLOCK_ONFAULT);
	if (lies("mlock fails and locks") && real_mlock(memory, length) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return real_mlock(memory, length);
}

int munlock(const void *memory, size_t length)
{
	int (*real_munlock)(const void *, size_t) = real("munlock");
	struct span span;

	if (lies("munlock unlocks the whole mapping")) {
		span = mapping_of((unsigned long)memory);
		return real_munlock((void *)span.start, span.end - span.start);
	}
	return real_munlock(memory, length);
}

/* A child that is locked as its parent was. */
pid_t fork(void)
{
	pid_t (*real_fork)(void) = real("fork");
	pid_t child = real_fork();

	if (child == 0 && lies("fork hands locks on"))
		mlockall(MCL_CURRENT);
	return child;
}
