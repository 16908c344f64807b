/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "program/parser.h"

#include <sys/mman.h>
#include <sys/shm.h>

#include "program/advice.h"

static const struct named_value mlock2_flags[] = { { "ONFAULT", MLOCK_ONFAULT }, { NULL, 0 } };

static const struct named_value mlockall_flags[] = {
	{ "CURRENT", MCL_CURRENT },
	{ "FUTURE", MCL_FUTURE },
	{ "ONFAULT", MCL_ONFAULT },
	{ NULL, 0 },
};

static const struct named_value msync_flags[] = {
	{ "ASYNC", MS_ASYNC },
	{ "SYNC", MS_SYNC },
	{ "INVALIDATE", MS_INVALIDATE },
	{ NULL, 0 },
};

static const struct named_value mmap_flags[] = { { "LOCKED", MAP_LOCKED }, { NULL, 0 } };

static const struct named_value images[] = { { "self", false }, { "missing", true }, { NULL, 0 } };

static const struct named_value child_images[] = {
	{ "none", CHILD_EXITS },
	{ "self", CHILD_SELF },
	{ "missing", CHILD_MISSING },
	{ NULL, 0 },
};

static const struct named_value mremap_flags[] = { { "DONTUNMAP", true }, { NULL, 0 } };

static const struct named_value shmctl_commands[] = { { "lock", SHM_LOCK }, { "unlock", SHM_UNLOCK }, { NULL, 0 } };

static const struct named_value advices[] = {
	{ "dontneed", ADVICE_DONTNEED },
	{ "willneed", ADVICE_WILLNEED },
	{ "free", ADVICE_FREE },
	{ "remove", ADVICE_REMOVE },
	{ "dontfork", ADVICE_DONTFORK },
	{ "dofork", ADVICE_DOFORK },
	{ "wipeonfork", ADVICE_WIPEONFORK },
	{ "keeponfork", ADVICE_KEEPONFORK },
	{ "cold", ADVICE_COLD },
	{ "pageout", ADVICE_PAGEOUT },
	{ "populate-read", ADVICE_POPULATE_READ },
	{ "populate-write", ADVICE_POPULATE_WRITE },
	{ "dontneed-locked", ADVICE_DONTNEED_LOCKED },
	{ "collapse", ADVICE_COLLAPSE },
	{ "guard-install", ADVICE_GUARD_INSTALL },
	{ "guard-remove", ADVICE_GUARD_REMOVE },
	{ NULL, 0 },
};

static const struct {
	const char *name;
	enum fault_kind kind;
	enum allocations faulty;
} faults[] = {
	{ "each-allocation", FAULT_EACH_ALLOCATION, ANY_ALLOCATION },
	{ "each-slab-allocation", FAULT_EACH_ALLOCATION, SLAB_ALLOCATION },
	{ "each-page-allocation", FAULT_EACH_ALLOCATION, PAGE_ALLOCATION },
	{ "from-each-allocation", FAULT_FROM_EACH_ALLOCATION, ANY_ALLOCATION },
	{ "from-each-slab-allocation", FAULT_FROM_EACH_ALLOCATION, SLAB_ALLOCATION },
	{ "from-each-page-allocation", FAULT_FROM_EACH_ALLOCATION, PAGE_ALLOCATION },
	{ NULL, FAULT_NONE, ANY_ALLOCATION },
};

static bool is_in(const struct parser *parser, enum operation operation)
{
	return parser->open_fork >= 0 && parser->program->steps[parser->open_fork].operation == operation;
}

bool parse_fault(struct parser *parser)
{
	struct word word;
	int found = 0;

	if (!take_word(parser, "[from-]each-[slab-|page-]allocation", &word))
		return false;
	while (faults[found].name && !word_is(word, faults[found].name))
		found++;
	if (!faults[found].name)
		return refuse_word(parser, "fault ([from-]each-[slab-|page-]allocation)", word);
	if (parser->program->fault_line)
		return refuse_at(parser, parser->line, "only one call can be swept");
	if (is_in(parser, STEP_THREAD))
		return refuse_at(parser, parser->line, "it is armed for the first thread only; write it outside");
	parser->program->fault = faults[found].kind;
	parser->program->faulty = faults[found].faulty;
	parser->program->fault_line = parser->line;
	parser->pending_fault = parser->line;
	return true;
}

static bool take_step(struct parser *parser, struct step **step)
{
	struct program *program = parser->program;

	if (program->step_count == MAX_STEPS)
		return refuse_at(parser, parser->line, "more than %d steps", MAX_STEPS);
	*step = &program->steps[program->step_count];
	**step = (struct step){ .line = parser->line, .fault = parser->pending_fault != 0 };
	parser->pending_fault = 0;
	return true;
}

static bool take_address_and_size(struct parser *parser, struct step *step)
{
	return take_size(parser, "ADDRESS", &step->address) && take_size(parser, "SIZE", &step->length);
}

static bool parse_address_and_size(struct parser *parser, struct step *step)
{
	return take_address_and_size(parser, step);
}

static bool parse_mlock2(struct parser *parser, struct step *step)
{
	return take_address_and_size(parser, step) && take_flags(parser, mlock2_flags, &step->argument);
}

static bool parse_mlockall(struct parser *parser, struct step *step)
{
	return take_flags(parser, mlockall_flags, &step->argument);
}

static bool parse_nothing(struct parser *parser, struct step *step)
{
	(void)parser;
	(void)step;
	return true;
}

static bool parse_settle(struct parser *parser, struct step *step)
{
	if (!parser->program->settle_line)
		parser->program->settle_line = step->line;
	return true;
}

static bool parse_reclaim(struct parser *parser, struct step *step)
{
	if (!parser->program->reclaim_line)
		parser->program->reclaim_line = step->line;
	return true;
}

static bool parse_mmap(struct parser *parser, struct step *step)
{
	return take_placement(parser, &step->placement) &&
	       (!parser->more || take_flags(parser, mmap_flags, &step->argument));
}

static bool parse_mremap(struct parser *parser, struct step *step)
{
	struct word word;

	if (!take_some_pages_of_arena(parser, 0, &step->placement.range) || !take_pages_of_arena(parser, &step->to))
		return false;
	if (!parser->more)
		return true;
	return take_word(parser, "FLAGS", &word) && (word_value(word, mremap_flags, &step->argument) ||
						     refuse_word(parser, "flag of mremap (DONTUNMAP)", word));
}

static bool take_limit(struct parser *parser, const char *meant, struct size *limit, bool *unlimited)
{
	struct parser before = *parser;
	struct word word;

	*unlimited = take_word(parser, meant, &word) && word_is(word, "unlimited");
	if (*unlimited)
		return true;
	*parser = before;
	return take_size(parser, meant, limit);
}

static bool parse_setrlimit(struct parser *parser, struct step *step)
{
	return take_limit(parser, "SOFT", &step->address, &step->unlimited[0]) &&
	       take_limit(parser, "HARD", &step->length, &step->unlimited[1]);
}

static bool parse_ftruncate(struct parser *parser, struct step *step)
{
	unsigned long pages;

	if (!take_region(parser, &step->placement.region) || !take_number(parser, "PAGES", 0, MAX_OBJECT_PAGES, &pages))
		return false;
	step->placement.object_page = pages;
	return true;
}

static bool parse_shmctl(struct parser *parser, struct step *step)
{
	struct word word;

	if (!take_region(parser, &step->placement.region) || !take_word(parser, "COMMAND", &word))
		return false;
	return word_value(word, shmctl_commands, &step->argument) ||
	       refuse_word(parser, "command (lock or unlock)", word);
}

static bool parse_exec(struct parser *parser, struct step *step)
{
	struct word word;

	if (!parser->program->exec_line)
		parser->program->exec_line = parser->line;
	if (is_in(parser, STEP_THREAD))
		return refuse_at(parser, parser->line, "exec: a thread would end all others; write it outside");
	if (!take_word(parser, "IMAGE", &word))
		return false;
	return word_value(word, images, &step->argument) || refuse_word(parser, "image (self or missing)", word);
}

static bool parse_spawn(struct parser *parser, struct step *step)
{
	struct word word;

	if (is_in(parser, STEP_THREAD))
		return refuse_at(parser, parser->line, "a thread of the probe has no child; write it outside");
	if (!take_word(parser, "IMAGE", &word))
		return false;
	if (!word_value(word, child_images, &step->argument) ||
	    (step->operation == STEP_POSIX_SPAWN && step->argument == CHILD_EXITS))
		return refuse_word(parser, "image (self or missing; of vfork also none)", word);
	return true;
}

static bool parse_mprotect(struct parser *parser, struct step *step)
{
	return take_address_and_size(parser, step) && take_protection(parser, &step->argument);
}

static bool parse_madvise(struct parser *parser, struct step *step)
{
	return take_address_and_size(parser, step) && take_value(parser, "ADVICE", advices, &step->argument);
}

static bool parse_msync(struct parser *parser, struct step *step)
{
	return take_address_and_size(parser, step) && take_flags(parser, msync_flags, &step->argument);
}

static bool parse_touch(struct parser *parser, struct step *step)
{
	return take_pages_of_arena(parser, &step->placement.range);
}

bool parse_call(struct parser *parser)
{
	static const struct {
		const char *name;
		enum operation operation;
		bool (*operands)(struct parser *parser, struct step *step);
	} calls[] = {
		{ "mlock", STEP_MLOCK, parse_address_and_size },
		{ "mlock2", STEP_MLOCK2, parse_mlock2 },
		{ "munlock", STEP_MUNLOCK, parse_address_and_size },
		{ "mlockall", STEP_MLOCKALL, parse_mlockall },
		{ "munlockall", STEP_MUNLOCKALL, parse_nothing },
		{ "mmap", STEP_MMAP, parse_mmap },
		{ "munmap", STEP_MUNMAP, parse_address_and_size },
		{ "mprotect", STEP_MPROTECT, parse_mprotect },
		{ "madvise", STEP_MADVISE, parse_madvise },
		{ "msync", STEP_MSYNC, parse_msync },
		{ "mremap", STEP_MREMAP, parse_mremap },
		{ "brk", STEP_BRK, parse_touch },
		{ "setrlimit", STEP_SETRLIMIT, parse_setrlimit },
		{ "ftruncate", STEP_FTRUNCATE, parse_ftruncate },
		{ "shmctl", STEP_SHMCTL, parse_shmctl },
		{ "touch", STEP_TOUCH, parse_touch },
		{ "exec", STEP_EXEC, parse_exec },
		{ "vfork", STEP_VFORK, parse_spawn },
		{ "posix_spawn", STEP_POSIX_SPAWN, parse_spawn },
		{ "observe", STEP_OBSERVE, parse_nothing },
		{ "settle", STEP_SETTLE, parse_settle },
		{ "reclaim", STEP_RECLAIM, parse_reclaim },
	};
	struct step *step = NULL;
	struct word word;
	size_t index = 0;

	if (!take_step(parser, &step) || !take_word(parser, "the name of a call", &word))
		return false;
	while (index < sizeof(calls) / sizeof(calls[0]) && !word_is(word, calls[index].name))
		index++;
	if (index == sizeof(calls) / sizeof(calls[0]))
		return refuse_word(parser, "call", word);
	step->operation = calls[index].operation;
	if (step->fault && step->operation >= STEP_TOUCH)
		return refuse_at(parser, parser->line, "%s makes no system call that could be swept",
				 calls[index].name);
	if (step->operation >= STEP_TOUCH && is_in(parser, STEP_THREADS))
		return refuse_at(parser, parser->line, "threads make system calls at the same time, and no %s",
				 calls[index].name);
	parser->program->step_count++;
	return calls[index].operands(parser, step);
}

static bool open_child(struct parser *parser, enum operation operation)
{
	struct step *step = NULL;

	if (parser->open_fork >= 0)
		return refuse_at(parser, parser->line, "children do not nest");
	if (!take_step(parser, &step))
		return false;
	if (step->fault && parser->program->fault == FAULT_FROM_EACH_ALLOCATION)
		return refuse_at(parser, parser->line, "what lasts would last in the child as well; let it fail once");
	step->operation = operation;
	parser->open_fork = parser->program->step_count++;
	return true;
}

bool parse_fork(struct parser *parser)
{
	return open_child(parser, STEP_FORK);
}

bool parse_thread(struct parser *parser)
{
	if (!parser->program->thread_line)
		parser->program->thread_line = parser->line;
	return open_child(parser, STEP_THREAD);
}

bool parse_threads(struct parser *parser)
{
	struct program *program = parser->program;
	unsigned long times = 0;

	if (!open_child(parser, STEP_THREADS) || !take_number(parser, "TIMES", 1, MAX_TIMES, &times))
		return false;
	program->steps[parser->open_fork].times = (int)times;
	if (!program->threads_line)
		program->threads_line = parser->line;
	return true;
}

bool parse_exit(struct parser *parser)
{
	struct program *program = parser->program;
	int inside;

	if (parser->open_fork < 0)
		return refuse_at(parser, parser->line, "there is no fork, thread or threads before it");
	inside = program->step_count - parser->open_fork - 1;
	if (is_in(parser, STEP_THREADS) && (inside < 2 || inside > MOST_AT_ONCE))
		return refuse_at(parser, parser->line, "threads make 2 to %d calls at the same time, not %d",
				 MOST_AT_ONCE, inside);
	if (is_in(parser, STEP_THREADS) && program->most_threads < inside)
		program->most_threads = inside;
	program->steps[parser->open_fork].child_end = program->step_count;
	parser->open_fork = -1;
	return true;
}
