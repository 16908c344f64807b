/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Threads that make calls at the same time. They are the libc's, each with an
 * errno of its own. All memory that a libc takes for them is taken when they are
 * made, before anything is looked at; then they wait for the steps.
 */
#define _GNU_SOURCE

#include "kernel/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>

enum { STACK_SIZE = 256 * 1024 }; /* bytes; some architectures want 128 KiB */

/* Written between steps only, but for `arrived`. */
static struct {
	pthread_barrier_t begin, end; /* of the threads, and the one that has made them */
	int arrived;
	int threads, times; /* of the step */
	void (*call)(void *argument, int thread);
	void *argument;
} team;

/* Whoever comes first waits until all run: woken one after another, they would make their calls so. */
static void make_calls(int thread)
{
	__atomic_add_fetch(&team.arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&team.arrived, __ATOMIC_ACQUIRE) < team.threads)
		sched_yield();
	for (int time = 0; time < team.times; time++)
		team.call(team.argument, thread);
}

static void *wait_for_steps(void *number)
{
	int thread = (int)(intptr_t)number;

	for (;;) {
		pthread_barrier_wait(&team.begin);
		if (thread < team.threads)
			make_calls(thread);
		pthread_barrier_wait(&team.end);
	}
	return NULL;
}

long kernel_make_threads(void *self, int count)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	(void)self;
	pthread_barrier_init(&team.begin, NULL, (unsigned)count + 1);
	pthread_barrier_init(&team.end, NULL, (unsigned)count + 1);
	error = pthread_attr_init(&attributes);
	if (!error)
		error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
	if (!error) /* a page without access would be one that mlockall cannot bring in */
		error = pthread_attr_setguardsize(&attributes, 0);
	for (int number = 0; !error && number < count; number++)
		error = pthread_create(&thread, &attributes, wait_for_steps, (void *)(intptr_t)number);
	return -error;
}

long kernel_at_once(void *self, int threads, int times, unsigned long order, void (*call)(void *argument, int thread),
		    void *argument)
{
	(void)self;
	(void)order;
	team.arrived = 0;
	team.threads = threads;
	team.times = times;
	team.call = call;
	team.argument = argument;
	pthread_barrier_wait(&team.begin);
	pthread_barrier_wait(&team.end);
	return 0;
}
