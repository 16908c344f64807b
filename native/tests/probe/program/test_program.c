/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "program/program.h"

static struct program program;
static struct refusal refusal;

static const struct program *parsed(const char *text)
{
	if (!program_parse(text, strlen(text), &program, &refusal))
		fail_msg("refused, line %d: %s", refusal.line, refusal.reason);
	return &program;
}

static void assert_refused(const char *text, int line, const char *reason)
{
	assert_false(program_parse(text, strlen(text), &program, &refusal));
	assert_string_equal(refusal.reason, reason);
	assert_int_equal(refusal.line, line);
}

/* The lines go into a program with an arena of 9 pages and a region `a`: its fourth line is the first of them. */
static void assert_lines_refused(const char *lines, int line, const char *reason)
{
	char text[2048];

	snprintf(text, sizeof(text), "program p\narena 9\nregion a file rw shared\n%s\nend\n", lines);
	assert_refused(text, line, reason);
	assert_string_equal(refusal.name, "p");
}

static void a_program_is_read_in_all_its_parts(void **state)
{
	const struct program *p = parsed("program some.Name_1-x\n"
					 "time 500\n"
					 "arena 20\n"
					 "region a anonymous rw private\n"
					 "region f file rx shared file-pages 2\n"
					 "region g file none private alias f\n"
					 "map a 0 3 0\n"
					 "map f 5 3 1\n"
					 "guard 1 1\n"
					 "lock 0 1 eager\n"
					 "lock 1 2 onfault\n"
					 "limit memlock 2p\n"
					 "limit memlock unlimited\n"
					 "limit mappings 2\n"
					 "as unprivileged\n"
					 "fault each-allocation\n"
					 "call mlock 1p 6p\n"
					 "end\n");

	(void)state;
	assert_string_equal(p->name, "some.Name_1-x");
	assert_int_equal(p->time, 500);
	assert_int_equal(p->pages, 20);
	assert_int_equal(p->region_count, 3);
	assert_int_equal(p->regions[1].kind, KIND_FILE);
	assert_int_equal(p->regions[1].protection, PROT_READ | PROT_EXEC);
	assert_true(p->regions[1].shared);
	assert_int_equal(p->regions[1].object_pages, 2);
	assert_int_equal(p->regions[1].alias, -1);
	assert_int_equal(p->regions[2].alias, 1);
	assert_int_equal(p->regions[2].protection, PROT_NONE);
	assert_int_equal(p->map_count, 2);
	assert_int_equal(p->maps[1].range.page, 5);
	assert_int_equal(p->maps[1].range.count, 3);
	assert_int_equal(p->maps[1].object_page, 1);
	assert_int_equal(p->guard_count, 1);
	assert_int_equal(p->lock_count, 2);
	assert_true(p->locks[1].on_fault);
	assert_int_equal(p->limit_count, 3);
	assert_int_equal(p->limits[1].kind, LIMIT_MEMLOCK_UNLIMITED);
	assert_int_equal(p->limits[2].slack, 2);
	assert_true(p->unprivileged);
	assert_int_equal(p->fault_line, 16);
	assert_int_equal(p->step_count, 1);
	assert_true(p->steps[0].fault);
}

static void a_fault_says_which_allocations_and_whether_it_lasts(void **state)
{
	static const struct {
		const char *word;
		enum fault_kind kind;
		enum allocations faulty;
	} faults[] = {
		{ "each-allocation", FAULT_EACH_ALLOCATION, ANY_ALLOCATION },
		{ "each-slab-allocation", FAULT_EACH_ALLOCATION, SLAB_ALLOCATION },
		{ "each-page-allocation", FAULT_EACH_ALLOCATION, PAGE_ALLOCATION },
		{ "from-each-allocation", FAULT_FROM_EACH_ALLOCATION, ANY_ALLOCATION },
		{ "from-each-slab-allocation", FAULT_FROM_EACH_ALLOCATION, SLAB_ALLOCATION },
		{ "from-each-page-allocation", FAULT_FROM_EACH_ALLOCATION, PAGE_ALLOCATION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct program *p;
		char text[100];

		snprintf(text, sizeof(text), "program p\narena 1\nfault %s\ncall munlockall\nend\n", faults[i].word);
		p = parsed(text);
		assert_int_equal(p->fault, faults[i].kind);
		assert_int_equal(p->faulty, faults[i].faulty);
	}
}

static void faults_limits_and_wishes_have_their_values(void **state)
{
	const struct program *p =
		parsed("program p\narena 9\nregion a anonymous rw private huge always\n"
		       "region b anonymous rw private\nregion f file rw shared huge never file-pages 3\n"
		       "limit memory 12\nlimit mappings 1\n"
		       "fault from-each-allocation\ncall munlockall\nend\n");

	(void)state;
	assert_int_equal(p->regions[0].huge, HUGE_ALWAYS);
	assert_int_equal(p->regions[1].huge, HUGE_AS_IT_IS);
	assert_int_equal(p->regions[2].huge, HUGE_NEVER);
	assert_int_equal(p->limits[0].kind, LIMIT_MEMORY);
	assert_int_equal(p->limits[0].slack, 12);
	assert_int_equal(p->memory_line, 6);
	assert_int_equal(p->fault, FAULT_FROM_EACH_ALLOCATION);
	assert_true(p->steps[0].fault);
	assert_int_equal(p->settle_line, 0);
}

static void every_call_is_read_with_its_operands(void **state)
{
	const struct program *p = parsed("program p\narena 9\nregion a anonymous rw private\n"
					 "call mlock 0 1\n"
					 "call mlock2 0 1 ONFAULT\n"
					 "call munlock 0 1\n"
					 "call mlockall CURRENT,FUTURE\n"
					 "call munlockall\n"
					 "call mmap a 1 2 3\n"
					 "call munmap 0 1\n"
					 "call mprotect 0 1 rwx\n"
					 "call madvise 0 1 102\n"
					 "call msync 0 1 ASYNC,INVALIDATE\n"
					 "call mremap 1 2 4 5\n"
					 "call brk 1 2\n"
					 "call setrlimit 3p unlimited\n"
					 "call ftruncate a 2\n"
					 "call shmctl a lock\n"
					 "call touch 1 2\n"
					 "call observe\n"
					 "call settle\n"
					 "call reclaim\n"
					 "call exec missing\n"
					 "call mmap a 1 2 3 LOCKED\n"
					 "end\n");

	(void)state;
	assert_int_equal(p->step_count, 21);
	assert_int_equal(p->settle_line, 21);
	assert_int_equal(p->reclaim_line, 22);
	for (int i = 0; i < 20; i++)
		assert_int_equal(p->steps[i].operation, STEP_MLOCK + i);
	assert_int_equal(p->steps[1].argument, MLOCK_ONFAULT);
	assert_int_equal(p->steps[3].argument, MCL_CURRENT | MCL_FUTURE);
	assert_int_equal(p->steps[5].placement.object_page, 3);
	assert_int_equal(p->steps[7].argument, PROT_READ | PROT_WRITE | PROT_EXEC);
	assert_int_equal(p->steps[8].argument, 102);
	assert_int_equal(p->steps[9].argument, MS_ASYNC | MS_INVALIDATE);
	assert_int_equal(p->steps[10].placement.range.count, 2);
	assert_int_equal(p->steps[10].to.page, 4);
	assert_int_equal(p->steps[10].to.count, 5);
	assert_int_equal(p->steps[11].placement.range.page, 1);
	assert_int_equal(p->steps[12].address.pages, 3);
	assert_false(p->steps[12].unlimited[0]);
	assert_true(p->steps[12].unlimited[1]);
	assert_int_equal(p->steps[15].placement.range.count, 2);
	assert_true(p->steps[19].argument);
	assert_int_equal(p->steps[20].argument, MAP_LOCKED);
	assert_int_equal(p->steps[5].argument, 0);
}

static struct size size_of(const char *word)
{
	char text[128];

	snprintf(text, sizeof(text), "program p\narena 1\ncall mlock %s 0\nend\n", word);
	return parsed(text)->steps[0].address;
}

static void a_size_has_pages_and_bytes_that_wrap(void **state)
{
	static const struct {
		const char *word;
		struct size size;
	} sizes[] = {
		{ "17", { 0, 17 } },	   { "3p", { 3, 0 } },	   { "3p+5", { 3, 5 } },     { "3p-5", { 3, -5UL } },
		{ "-1", { 0, SIZE_MAX } }, { "-2p", { -2UL, 0 } }, { "-2p+1", { -2UL, 1 } }, { "-0", { 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct size size = size_of(sizes[i].word);

		assert_int_equal(size.pages, sizes[i].size.pages);
		assert_int_equal(size.bytes, sizes[i].size.bytes);
	}
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const words[] = {
		"p", "-", "--1", "1q", "1pp", "1p+", "1p+-1", "1p*2", "+1", "0x10", "99999999999999999999", "1p5", "1 p"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char text[128];

		snprintf(text, sizeof(text), "program p\narena 1\ncall mlock 0 %s\nend\n", words[i]);
		assert_false(program_parse(text, strlen(text), &program, &refusal));
	}
}

static void a_file_is_as_long_as_it_is_mapped_unless_its_length_is_given(void **state)
{
	const struct program *p = parsed("program p\narena 9\n"
					 "region a file rw shared\nregion b file rw shared alias a\n"
					 "region c memfd rw shared file-pages 0\nregion d memfd rw shared alias c\n"
					 "map a 0 2 0\nmap b 2 2 5\nmap c 4 1 0\nmap d 5 1 3\n"
					 "call mmap a 0 1 7\n"
					 "end\n");

	(void)state;
	assert_int_equal(p->regions[0].object_pages, 8);
	assert_int_equal(p->regions[2].object_pages, 0);
}

static void neighbours_of_different_letters_are_kept_apart(void **state)
{
	const struct program *p =
		parsed("program p\narena 12\nregion a anonymous rw private\nregion b anonymous rw private\n"
		       "map b 2 2 0\nmap a 0 2 0\nmap a 4 1 2\nmap a 5 1 3\nmap b 8 1 2\nend\n");
	static const bool apart[] = { true, false, false, false, false };

	(void)state;
	for (int i = 0; i < p->map_count; i++)
		assert_int_equal(p->maps[i].apart, apart[i]);
}

static void a_fork_knows_where_its_child_ends(void **state)
{
	const struct program *p = parsed("program p\narena 1\ncall observe\nfork\ncall observe\ncall observe\nexit\n"
					 "call observe\nfork\nexit\nend\n");

	(void)state;
	assert_int_equal(p->step_count, 6);
	assert_int_equal(p->steps[1].operation, STEP_FORK);
	assert_int_equal(p->steps[1].child_end, 4);
	assert_int_equal(p->steps[5].child_end, 6);
}

static void comments_and_empty_lines_are_ignored_around_a_program_only(void **state)
{
	(void)state;
	parsed("# hello\n\nprogram p\narena 1\nend\n\n# bye");
	parsed("program p\narena 1\nend");
	assert_refused("program p\n# inside\narena 1\nend\n", 2, "\"#\" is no line of a program");
	assert_refused("program p\n\narena 1\nend\n", 2, "a blank too many before the first word");
}

static void text_outside_a_program_is_refused_without_a_name(void **state)
{
	(void)state;
	assert_refused("hello \"there\"\n", 1, "\"hello\" stands outside a program");
	assert_string_equal(refusal.name, "");
	assert_refused("program a/b\nend\n", 1, "program: \"a/b\" is no name (up to 64 of A-Za-z0-9._-)");
	assert_string_equal(refusal.name, "");
	assert_refused("program\nend\n", 1, "program: NAME is missing");
	assert_refused("", 0, "end is missing");
	assert_refused("program p\narena 1\nend\nprogram q\n", 4, "more text after the end");
}

static void a_name_has_up_to_64_characters(void **state)
{
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "program %064d\narena 1\nend\n", 0);
	parsed(text);
	snprintf(text, sizeof(text), "program %065d\narena 1\nend\n", 0);
	assert_false(program_parse(text, strlen(text), &program, &refusal));
}

static void each_broken_rule_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *lines;
		int line;
		const char *reason;
	} rules[] = {
		{ "time 5", 4,
		  "time: comes too late (defect, time, arena, region, map, guard, lock, limit, as, calls)" },
		{ "map a 0 1 0\nregion b file rw shared", 5,
		  "region: comes too late (defect, time, arena, region, map, guard, lock, limit, as, calls)" },
		{ "as unprivileged\nas unprivileged", 5, "as: given twice" },
		{ "as root", 4, "as: \"root\" is no privilege (unprivileged)" },
		{ "frob", 4, "\"frob\" is no line of a program" },
		{ "program q", 4, "\"program\" is no line of a program" },
		{ "map a  0 1 0", 4, "map: a blank too many before PAGE" },
		{ "map a 0 1 0 ", 4, "map: \"\" is too much" },
		{ "map a 0 1 0 7", 4, "map: \"7\" is too much" },
		{ "map a 0 1", 4, "map: OBJECT_PAGE is missing" },
		{ "map b 0 1 0", 4, "map: no region b was declared" },
		{ "map ab 0 1 0", 4, "map: \"ab\" is no letter" },
		{ "map a 0 0 0", 4, "map: COUNT must be from 1 to 2097152" },
		{ "map a x 1 0", 4, "map: PAGE must be from 0 to 2097152" },
		{ "map a 8 2 0", 4, "map: page 9 is outside the arena of 9 pages" },
		{ "map a 12 1 0", 4, "map: page 12 is outside the arena of 9 pages" },
		{ "map a 0 1 1048577", 4, "map: OBJECT_PAGE must be from 0 to 1048576" },
		{ "map a 2 2 0\nmap a 3 1 0", 5, "map: page 3 is mapped already" },
		{ "map a 2 2 0\nmap a 1 2 0", 5, "map: page 2 is mapped already" },
		{ "guard 9 1", 4, "guard: page 9 is outside the arena of 9 pages" },
		{ "lock 0 1", 4, "lock: MODE is missing" },
		{ "lock 0 1 lazy", 4, "lock: \"lazy\" is no mode (eager or onfault)" },
		{ "limit cpu 1", 4, "limit: \"cpu\" is no limit (memlock, mappings or memory)" },
		{ "limit memlock all", 4, "limit: \"all\" is no size (N, Np, Np+M or Np-M) and not unlimited" },
		{ "limit mappings -1", 4, "limit: SLACK must be from 0 to 2097152" },
		{ "limit mappings 1\nlimit mappings 1", 5, "limit: mappings is given twice" },
		{ "limit memory 1\nlimit memory 2", 5, "limit: memory is given twice" },
		{ "limit memory 2097153", 4, "limit: PAGES must be from 0 to 2097152" },
		{ "region b anonymous rw private huge", 4, "region: always or never is missing" },
		{ "region b anonymous rw private huge maybe", 4,
		  "region: \"maybe\" is no wish for huge pages (always or never)" },
		{ "region b anonymous rw private huge never huge never", 4, "region: \"huge\" is too much" },
		{ "region b hugetlb rw private huge never", 4,
		  "region: huge: hugetlb memory has pages of one size only" },
		{ "region a file rw shared", 4, "region: a is declared already" },
		{ "region b fil rw shared", 4, "region: \"fil\" is no kind of memory" },
		{ "region b file wr shared", 4,
		  "region: \"wr\" is no protection (none, or some of rwx in this order)" },
		{ "region b file rw open", 4, "region: \"open\" is no share (private or shared)" },
		{ "region b shared rw private", 4, "region: memory of kind shared cannot be private" },
		{ "region b sysv rw private", 4, "region: memory of kind sysv cannot be private" },
		{ "region b stack rw private file-pages 1", 4,
		  "region: file-pages: there is no file behind stack memory" },
		{ "region b file rw shared file-pages", 4, "region: file-pages is missing" },
		{ "region b file rw shared file-pages 1 alias a", 4,
		  "region: file-pages belongs to the region that is aliased" },
		{ "region b file rw shared alias a file-pages 1", 4, "region: \"file-pages\" is too much" },
		{ "region b file rw shared alias c", 4, "region: no region c was declared" },
		{ "region b shm rw shared alias a", 4,
		  "region: alias: both regions must be of kind file, shm or memfd, and of the same" },
		{ "fault sometimes", 4, "fault: \"sometimes\" is no fault ([from-]each-[slab-|page-]allocation)" },
		{ "fault each-allocation", 4, "fault must stand directly before a call" },
		{ "fault each-allocation\nthread", 5, "thread: fault must stand directly before a call" },
		{ "fault from-each-allocation\nfork", 5,
		  "fork: what lasts would last in the child as well; let it fail once" },
		{ "fault each-allocation\ncall observe", 5, "call: observe makes no system call that could be swept" },
		{ "fault each-allocation\ncall settle", 5, "call: settle makes no system call that could be swept" },
		{ "limit memory 4\ncall reclaim", 4,
		  "limit: memory that is limited does not go to swap; reclaim does without" },
		{ "fault each-allocation\ncall munlockall\nfault each-allocation", 6,
		  "fault: only one call can be swept" },
		{ "thread\nfault each-allocation\ncall munlockall\nexit", 5,
		  "fault: it is armed for the first thread only; write it outside" },
		{ "call frob", 4, "call: \"frob\" is no call" },
		{ "call", 4, "call: the name of a call is missing" },
		{ "call mlock 0", 4, "call: SIZE is missing" },
		{ "call mlock 0 1q", 4, "call: \"1q\" is no size (N, Np, Np+M or Np-M)" },
		{ "call mlock2 0 1 NOW", 4, "call: \"NOW\" is no flag of this call" },
		{ "call mlock2 0 1 4294967296", 4, "call: \"4294967296\" is no FLAGS" },
		{ "call mlockall CURRENT,", 4, "call: \"\" is no flag of this call" },
		{ "call madvise 0 1 please", 4, "call: \"please\" is no ADVICE" },
		{ "call touch 0 10", 4, "call: page 9 is outside the arena of 9 pages" },
		{ "call mmap z 0 1 0", 4, "call: no region z was declared" },
		{ "call munlockall\nmap a 0 1 0", 5,
		  "map: comes too late (defect, time, arena, region, map, guard, lock, limit, as, calls)" },
		{ "fork\nfork", 5, "fork: children do not nest" },
		{ "thread\nfork", 5, "fork: children do not nest" },
		{ "thread\ncall observe", 4, "thread: exit is missing" },
		{ "thread\ncall exec self", 5, "call: exec: a thread would end all others; write it outside" },
		{ "thread\ncall vfork none", 5, "call: a thread of the probe has no child; write it outside" },
		{ "call vfork other", 4, "call: \"other\" is no image (self or missing; of vfork also none)" },
		{ "call posix_spawn none", 4, "call: \"none\" is no image (self or missing; of vfork also none)" },
		{ "call exec other", 4, "call: \"other\" is no image (self or missing)" },
		{ "call mremap 0 1 9 1", 4, "call: page 9 is outside the arena of 9 pages" },
		{ "call mmap a 0 1 0 FIXED", 4, "call: \"FIXED\" is no flag of this call" },
		{ "fault each-allocation\ncall exec self", 5, "call: exec makes no system call that could be swept" },
		{ "exit", 4, "exit: there is no fork, thread or threads before it" },
		{ "fork\ncall observe", 4, "fork: exit is missing" },
		{ "threads", 4, "threads: TIMES is missing" },
		{ "threads 0", 4, "threads: TIMES must be from 1 to 1000000" },
		{ "threads 1\ncall munlockall", 4, "threads: exit is missing" },
		{ "threads 1\nthread", 5, "thread: children do not nest" },
		{ "threads 1\ncall munlockall\nexit", 6, "exit: threads make 2 to 4 calls at the same time, not 1" },
		{ "threads 1\ncall munlockall\ncall touch 0 1", 6,
		  "call: threads make system calls at the same time, and no touch" },
		{ "fault each-allocation\ncall munlockall\nthreads 1\ncall munlockall\ncall munlockall\nexit", 4,
		  "fault: a program with threads has no sweep" },
		{ "as unprivileged\nthreads 1\ncall munlockall\ncall munlockall\nexit", 4,
		  "as: threads would keep their privileges" },
		{ "threads 1\ncall munlockall\ncall munlockall\nexit\ncall exec self", 8,
		  "call: exec ends the threads, so that no program has both" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		assert_lines_refused(rules[i].lines, rules[i].line, rules[i].reason);
}

static void time_and_arena_have_bounds(void **state)
{
	(void)state;
	assert_refused("program p\nend\n", 2, "arena is missing");
	assert_refused("program p\nregion a file rw shared\nend\n", 2, "region: arena must come before");
	assert_refused("program p\narena 0\nend\n", 2, "arena: PAGES must be from 1 to 2097152");
	assert_refused("program p\narena 2097153\nend\n", 2, "arena: PAGES must be from 1 to 2097152");
	assert_refused("program p\narena 1\narena 1\nend\n", 3, "arena: given twice");
	assert_refused("program p\ntime 0\nend\n", 2, "time: MILLISECONDS must be from 1 to 86400000");
	assert_refused("program p\narena 1\n", 2, "end is missing");
}

/* `count` times the line, in a program of its own. */
static char *repeated(const char *head, const char *line, int count)
{
	char *text = malloc(strlen(head) + strlen(line) * (size_t)count + 16), *at = text;

	assert_non_null(text);
	at += sprintf(at, "%s", head);
	for (int i = 0; i < count; i++)
		at += sprintf(at, "%s", line);
	sprintf(at, "end\n");
	return text;
}

static void there_are_limits_to_the_number_of_lines(void **state)
{
	static const struct {
		const char *line;
		const char *reason;
	} lines[] = {
		{ "guard 0 1\n", "guard: more than 256 such lines" },
		{ "lock 0 1 eager\n", "lock: more than 256 such lines" },
		{ "limit memlock 1\n", "limit: more than 256 such lines" },
		{ "call observe\n", "call: more than 256 steps" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *most = repeated("program p\narena 1\n", lines[i].line, 256);
		char *more = repeated("program p\narena 1\n", lines[i].line, 257);

		parsed(most);
		assert_refused(more, 259, lines[i].reason);
		free(most);
		free(more);
	}
}

static void a_program_has_at_most_65536_bytes(void **state)
{
	char *text = repeated("program p\narena 1\n", "limit memlock 00000000000000000000000000000001\n", 10000);

	(void)state;
	assert_false(program_parse(text, MAX_TEXT + 1, &program, &refusal));
	assert_string_equal(refusal.reason, "limit: more than 256 such lines");
	free(text);
	text = repeated("program p\narena 1\ncall mlock 0 ", "0", 70000);
	assert_refused(text, 2, "the program has more than 65536 bytes");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_read_in_all_its_parts),
		cmocka_unit_test(a_fault_says_which_allocations_and_whether_it_lasts),
		cmocka_unit_test(faults_limits_and_wishes_have_their_values),
		cmocka_unit_test(every_call_is_read_with_its_operands),
		cmocka_unit_test(a_size_has_pages_and_bytes_that_wrap),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(a_file_is_as_long_as_it_is_mapped_unless_its_length_is_given),
		cmocka_unit_test(neighbours_of_different_letters_are_kept_apart),
		cmocka_unit_test(a_fork_knows_where_its_child_ends),
		cmocka_unit_test(comments_and_empty_lines_are_ignored_around_a_program_only),
		cmocka_unit_test(text_outside_a_program_is_refused_without_a_name),
		cmocka_unit_test(a_name_has_up_to_64_characters),
		cmocka_unit_test(each_broken_rule_is_refused_with_its_line),
		cmocka_unit_test(time_and_arena_have_bounds),
		cmocka_unit_test(there_are_limits_to_the_number_of_lines),
		cmocka_unit_test(a_program_has_at_most_65536_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
