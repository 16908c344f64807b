/* SPDX-License-Identifier: Apache-2.0 */

/* Bits of an address that hardware may be told to ignore (x86: LAM, ARM: TBI). */
#include "attack.h"

int main(void)
{
	char *memory = map(3), *tagged;
	const char *before;

#if UINTPTR_MAX <= UINT32_MAX
	CANNOT("an address of 32 bits has none to spare");
#endif
	tagged = (char *)((uintptr_t)memory | (uintptr_t)((uint64_t)0x2a << 57));
	mprotect(memory + 2 * PAGE, PAGE, PROT_NONE);
	mlock2(memory, PAGE, MLOCK_ONFAULT);
	before = strip(memory, 3);
	fails("mlock of a tagged address", mlock(tagged, 3 * PAGE), ENOMEM);
	check("mlock of a tagged address", before, strip(memory, 3));
	munmap(memory + PAGE, PAGE);
	before = strip(memory, 3);
	fails("munlock of a tagged address", munlock(tagged, 3 * PAGE), ENOMEM);
	check("munlock of a tagged address", before, strip(memory, 3));
	return broken;
}
