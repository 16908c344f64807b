/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "under_way.h"

#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock_call.h"
#include "state.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

enum { CROWD = 1, OBSERVING = 2, MADE = 4, PHASES = OBSERVING | MADE, TICKET = 8 };

static const uint32_t sleepers = 0x80000000;

/* Not in the state: a child goes on counting, and finds no call of its parent's. */
static _Atomic uint32_t tickets;

static uint32_t new_ticket(void)
{
	uint32_t ticket;

	do
		ticket = atomic_fetch_add(&tickets, TICKET) + TICKET;
	while (!ticket);
	return ticket;
}

static bool change_word(uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong(&state.under_way.word, &from, to);
}

uint32_t alone_enter(void)
{
	uint32_t ticket;

	if (atomic_load_explicit(&state.under_way.word, memory_order_relaxed))
		return 0;
	ticket = new_ticket();
	return change_word(0, ticket | OBSERVING) ? ticket : 0;
}

bool alone_start(uint32_t ticket)
{
	if (change_word(ticket | OBSERVING, ticket | MADE))
		return true;
	alone_leave(ticket);
	return false;
}

bool alone_end(uint32_t ticket)
{
	return change_word(ticket | MADE, 0);
}

/* CROWD stays, though there may be nobody any more: the next call that ends clears it. */
void alone_leave(uint32_t ticket)
{
	if (!change_word(ticket | OBSERVING, 0))
		change_word(ticket | OBSERVING | CROWD, CROWD);
}

/* Those that an instruction or a filter of system calls raises would end the process. */
static uint64_t signals_that_can_wait(void)
{
	static const int others[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };
	uint64_t mask = ~UINT64_C(0);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		mask &= ~(UINT64_C(1) << (others[i] - 1));
	return mask;
}

static void set_signals(uint64_t mask, uint64_t *found)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, found, sizeof(mask));
}

/* Who has slept cannot know whether others still do. */
static void wait_for_section(uint32_t thread)
{
	_Atomic uint32_t *word = &state.under_way.section;

	for (;;) {
		uint32_t seen = 0;

		if (atomic_compare_exchange_strong(word, &seen, thread | sleepers))
			return;
		if ((seen & sleepers) || atomic_compare_exchange_strong(word, &seen, seen | sleepers))
			syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen | sleepers, NULL, NULL, 0);
	}
}

bool section_enter(struct section *section)
{
	uint32_t thread, seen = 0;

	state_prepare();
	set_signals(signals_that_can_wait(), &section->signals);
	thread = (uint32_t)syscall(SYS_gettid);
	if (atomic_compare_exchange_strong(&state.under_way.section, &seen, thread))
		return true;
	if ((seen & ~sleepers) == thread) {
		set_signals(section->signals, NULL);
		return false;
	}
	wait_for_section(thread);
	return true;
}

void section_leave(const struct section *section)
{
	if (atomic_exchange(&state.under_way.section, 0) & sleepers)
		syscall(SYS_futex, &state.under_way.section, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	set_signals(section->signals, NULL);
}

/* The first record is for who was alone: there is always room. */
static struct record *record_at(unsigned number)
{
	return &state.under_way.records[number];
}

static void begin(struct record *record, uint32_t ticket, struct address_range pages)
{
	*record = (struct record){ .ticket = ticket, .pages = pages };
	if (state.under_way.touched <= record - record_at(0))
		state.under_way.touched = (unsigned)(record - record_at(0)) + 1;
}

/* Its range is mapped throughout. */
static void adopt(uint32_t ticket)
{
	const struct alone *alone = &state.under_way.alone;
	struct record *record = record_at(0);
	struct address_range page = { alone->pages.start, alone->pages.start };

	begin(record, ticket, alone->pages);
	if (!alone->locked) {
		record->unseen = !runs_append(&record->before, alone->pages, NOT_LOCKED);
		return;
	}
	for (unsigned i = 0; page.end < alone->pages.end && !record->unseen; i++) {
		page = (struct address_range){ page.end, page.end + page_size() };
		record->unseen = !runs_append(&record->before, page, alone->locked >> i & 1 ? EAGER : NOT_LOCKED);
	}
}

void records_join(void)
{
	uint32_t word = atomic_fetch_or(&state.under_way.word, CROWD), ticket = word & ~(uint32_t)(PHASES | CROWD);

	if ((word & MADE) && record_at(0)->ticket != ticket)
		adopt(ticket);
}

struct record *record_new(struct address_range pages)
{
	for (unsigned i = 1; i < CALLS; i++) {
		if (record_at(i)->ticket)
			continue;
		begin(record_at(i), new_ticket(), pages);
		return record_at(i);
	}
	return NULL;
}

struct record *record_of(uint32_t ticket)
{
	for (unsigned i = 0; i < state.under_way.touched; i++) {
		if (record_at(i)->ticket == ticket)
			return record_at(i);
	}
	return NULL;
}

void record_end(struct record *record)
{
	struct under_way *all = &state.under_way;

	runs_drop(&record->before);
	record->ticket = 0;
	if (record == record_at(0))
		atomic_fetch_and(&all->word, CROWD);
	while (all->touched && !record_at(all->touched - 1)->ticket)
		all->touched--;
	if (!all->touched)
		change_word(CROWD, 0);
}

bool record_is_only(const struct record *record)
{
	for (unsigned i = 0; i < state.under_way.touched; i++) {
		if (record_at(i)->ticket && record_at(i) != record)
			return false;
	}
	return true;
}

struct record *record_beside(const struct record *own, struct record *last)
{
	struct record *record = last ? last + 1 : record_at(0);

	for (; record < record_at(state.under_way.touched); record++) {
		if (record->ticket && record != own && !is_empty(common(record->pages, own->pages)))
			return record;
	}
	return NULL;
}
