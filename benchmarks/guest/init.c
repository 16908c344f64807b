/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The floor of benchmarks/guest: an init that does what a guest must do at
 * least. It locks a page and powers off; where the kernel's command line says
 * EXECUTIONS=N, it runs the loop of benchmarks/throughput/floor.c first.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

/* main of floor.c, which is compiled under this name. */
int floor_main(int argc, char **argv);

/* In a process of its own, as the loop's children must not be those of init. */
static void run_floor(char *executions)
{
	char *arguments[] = { "floor", executions, NULL };
	pid_t child = fork();

	if (child == 0) {
		int status = floor_main(2, arguments);

		fflush(stdout);
		_exit(status);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

int main(void)
{
	static char page[4096];
	char *executions = getenv("EXECUTIONS");

	mount("proc", "/proc", "proc", 0, NULL);
	printf("mlock gave %d\n", mlock(page, sizeof(page)));
	fflush(stdout);
	if (executions)
		run_floor(executions);
	reboot(RB_POWER_OFF);
	return 1;
}
