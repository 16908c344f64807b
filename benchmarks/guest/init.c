/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The floor of benchmarks/guest: an init that does what a guest must do at least. It locks a page and powers off;
 * where the kernel's command line says EXECUTIONS=N, it runs the loop of benchmarks/throughput/floor.c first, which
 * lies beside it as /floor, and whose output goes to the console.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_floor(const char *executions)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/floor", "/floor", executions, (char *)NULL);
		_exit(1);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

int main(void)
{
	static char page[4096];
	const char *executions = getenv("EXECUTIONS");

	mount("proc", "/proc", "proc", 0, NULL);
	printf("up, mlock gave %d\n", mlock(page, sizeof(page)));
	fflush(stdout);
	if (executions)
		run_floor(executions);
	reboot(RB_POWER_OFF);
	return 1;
}
