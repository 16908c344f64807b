/* SPDX-License-Identifier: Apache-2.0 */

/* Prints what sysconf of the libc that it is started with says of the options of memory locking. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	printf("_POSIX_MEMLOCK %ld\n_POSIX_MEMLOCK_RANGE %ld\n", sysconf(_SC_MEMLOCK), sysconf(_SC_MEMLOCK_RANGE));
	return 0;
}
