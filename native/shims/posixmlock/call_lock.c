/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One word holds all of the state, so that a signal between two instructions
 * finds either no owner or the right one: the number of the thread inside
 * (0: nobody), and a bit that says that others sleep.
 */
#define _GNU_SOURCE

#include "call_lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLEEPERS 0x80000000u

extern __typeof__(pthread_setcancelstate) pthread_setcancelstate __attribute__((weak));

static _Atomic uint32_t word;
static _Atomic uint32_t threads;
static __thread uint32_t own __attribute__((tls_model("initial-exec")));

/* Asking the kernel for the number of the thread would be a system call on every way. */
static uint32_t own_number(void)
{
	while (!own)
		own = (atomic_fetch_add(&threads, 1) + 1) & ~SLEEPERS;
	return own;
}

static void sleep_while(uint32_t value)
{
	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

/* Who has slept cannot know whether others still do. */
static void wait_for_turn(uint32_t number)
{
	for (;;) {
		uint32_t seen = atomic_load(&word);

		if (seen == 0) {
			if (atomic_compare_exchange_strong(&word, &seen, number | SLEEPERS))
				return;
		} else if ((seen & SLEEPERS) || atomic_compare_exchange_strong(&word, &seen, seen | SLEEPERS)) {
			sleep_while(seen | SLEEPERS);
		}
	}
}

/* A thread that is cancelled inside (msync is a cancellation point) would lock out all others. */
struct call_lock call_lock_enter(void)
{
	struct call_lock lock = { 0 };
	uint32_t number = own_number(), seen = 0;
	int error = errno;

	if (pthread_setcancelstate)
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &lock.cancel_state);
	if ((atomic_load(&word) & ~SLEEPERS) == number)
		lock.nested = true;
	else if (!atomic_compare_exchange_strong(&word, &seen, number))
		wait_for_turn(number);
	errno = error;
	return lock;
}

void call_lock_leave(struct call_lock lock)
{
	int error = errno;

	if (!lock.nested && (atomic_exchange(&word, 0) & SLEEPERS))
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	if (pthread_setcancelstate)
		pthread_setcancelstate(lock.cancel_state, NULL);
	errno = error;
}

void call_lock_after_fork(void)
{
	if ((atomic_load(&word) & ~SLEEPERS) == own_number())
		atomic_store(&word, own_number());
	else
		atomic_store(&word, 0);
}
