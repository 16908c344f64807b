/* SPDX-License-Identifier: Apache-2.0 */

/* Which locks are eager and which on fault, however they came to be. */
#include "attack.h"

static char *memory;

static const char *seen(void)
{
	return strip(memory, 6);
}

/* The last page cannot be brought in, so that all before it changes, and has to be put back. */
static void try(const char *what, const char *expected)
{
	check(what, expected, seen());
	fails(what, mlock(memory, 6 * PAGE), ENOMEM);
	check(what, expected, seen());
}

static void map_anew(void)
{
	munlockall();
	memory = map(6);
	mprotect(memory + 5 * PAGE, PAGE, PROT_NONE);
}

int main(void)
{
	char *moved;

	map_anew();
	mlock(memory + PAGE, PAGE);
	try("only eager locks", ".L....");
	mlock2(memory, PAGE, MLOCK_ONFAULT);
	mlock2(memory + 3 * PAGE, 2 * PAGE, MLOCK_ONFAULT);
	try("locks in both modes", "FL.FF.");
	mlock(memory + 4 * PAGE, PAGE);
	munlock(memory + 3 * PAGE, PAGE);
	try("locks that were changed", "FL..L.");

	map_anew();
	syscall(SYS_mlock2, memory + PAGE, PAGE, MLOCK_ONFAULT);
	try("a lock by a raw system call", ".F....");

	map_anew();
	mlock2(memory, PAGE, MLOCK_ONFAULT);
	moved = mremap(memory, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, memory + 2 * PAGE);
	check("mremap", "moved", moved == memory + 2 * PAGE ? "moved" : "not moved");
	mmap(memory, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	try("a lock that mremap has moved", "..F...");

	map_anew();
	mmap(memory + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_LOCKED, -1, 0);
	fails("mlock2 over MAP_LOCKED", (mprotect(memory, PAGE, PROT_NONE), mlock(memory, 3 * PAGE)), ENOMEM);
	check("a lock by MAP_LOCKED", ".L....", seen());

	mlockall(MCL_CURRENT | MCL_ONFAULT);
	check("mlockall on fault", "FFFFFF", seen());
	map_anew();
	mlock2(memory, PAGE, MLOCK_ONFAULT);
	mlockall(MCL_CURRENT | MCL_ONFAULT);
	munlock(memory, 6 * PAGE);
	munmap(memory, 6 * PAGE);
	memory = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	mprotect(memory + 5 * PAGE, PAGE, PROT_NONE);
	munlock(memory + 2 * PAGE, 4 * PAGE);
	try("MAP_LOCKED after mlockall on fault", "LL....");
	mlock2(memory, 6 * PAGE, MLOCK_ONFAULT);
	munlock(memory + 3 * PAGE, PAGE);
	try("other locks after mlockall on fault", "FFF.FF");

	munlockall();
	mlockall(MCL_FUTURE | MCL_ONFAULT);
	memory = map(6);
	mprotect(memory + 5 * PAGE, PAGE, PROT_NONE);
	mlock(memory + 2 * PAGE, PAGE);
	munlock(memory + 3 * PAGE, PAGE);
	try("memory that was mapped under MCL_FUTURE and MCL_ONFAULT", "FFL.FF");
	mmap(memory + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	try("memory that was mapped anew under it", "FFF.FF");

	munlockall();
	syscall(SYS_mlockall, MCL_FUTURE);
	fails("mlockall(0)", mlockall(0), EINVAL);
	check("MCL_FUTURE by a raw system call", "armed", future());
	syscall(SYS_munlockall);
	fails("mlockall(0)", mlockall(0), EINVAL);
	check("munlockall by a raw system call", "not armed", future());
	return broken;
}
