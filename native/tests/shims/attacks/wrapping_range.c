/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ranges whose last byte lies beyond the end of the address space. Linux adds
 * in sums of 64 bits that wrap: to a program of 64 bits a few pages may be
 * left, to one of 32 bits on such a kernel nothing wraps at all.
 */
#include "attack.h"

enum { PAGES = 4 };

static char *memory;

static void set_up(void)
{
	munlockall();
	mlock2(memory + PAGE, PAGE, MLOCK_ONFAULT);
	mlock(memory + 3 * PAGE, PAGE);
}

static void try(size_t offset, size_t length)
{
	static char what[80];
	const char *before;

	for (int unlock = 0; unlock < 2; unlock++) {
		int result;

		set_up();
		before = strip(memory, PAGES);
		result = unlock ? munlock(memory + offset, length) : mlock(memory + offset, length);
		snprintf(what, sizeof(what), "%s of 0x%zx bytes from byte 0x%zx on", unlock ? "munlock" : "mlock",
			 length, offset);
		if (result < 0)
			check(what, before, strip(memory, PAGES));
	}
}

int main(void)
{
	memory = map(PAGES);
	mprotect(memory + PAGE, PAGE, PROT_NONE);
	for (size_t page = 0; page < PAGES; page++) {
		static const size_t offsets[] = { 0, 1, 0x800, 0xfff };

		for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
			try(page * PAGE + offsets[i], (size_t)-1);
			try(page * PAGE + offsets[i], (size_t)-0x700);
			try(page * PAGE + offsets[i], (size_t)-0x1000);
			try(page * PAGE + offsets[i], (size_t)-0x1fff);
			try(page * PAGE + offsets[i], (size_t)0 - (page * PAGE + offsets[i]) - (size_t)memory);
		}
	}
	return broken;
}
