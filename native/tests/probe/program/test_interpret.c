/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "program/interpret.h"

enum { PAGE_SIZE = 16, ARENA = 1600 };

/* A system that writes down what it is asked, and fails the call that it is told to fail. */
struct recorder {
	char log[2048];
	struct text text;
	const char *failing; /* the name of a call, or NULL */
};

static long record(void *self, const char *name, unsigned long first, unsigned long second)
{
	struct recorder *recorder = self;

	text_format(&recorder->text, "%s %lu %lu;", name, first, second);
	text_close(&recorder->text);
	return recorder->failing && strcmp(recorder->failing, name) == 0 ? -ENOMEM : 0;
}

static long fake_reserve(void *self, size_t pages, unsigned long *address)
{
	*address = ARENA;
	return record(self, "reserve", pages, 0);
}

static long fake_declare(void *self, int index, const struct region *region)
{
	return record(self, "declare", (unsigned long)index, (unsigned long)region->object_pages);
}

static long fake_map(void *self, int region, unsigned long address, size_t pages, size_t object_page, bool apart)
{
	(void)region;
	(void)object_page;
	(void)apart;
	return record(self, "map", address, pages);
}

static long fake_guard(void *self, unsigned long address, size_t length)
{
	return record(self, "guard", address, length);
}

static long fake_limit_memlock(void *self, uint64_t bytes)
{
	return record(self, "memlock", (unsigned long)bytes, 0);
}

static long fake_limit_mappings(void *self, long slack)
{
	return record(self, "mappings", (unsigned long)slack, 0);
}

static long fake_become_unprivileged(void *self)
{
	return record(self, "unprivileged", 0, 0);
}

static const char *fake_explain(void *self)
{
	(void)self;
	return "the fake says \"so\"";
}

static long fake_mlock(void *self, unsigned long address, size_t length)
{
	return record(self, "mlock", address, length);
}

static long fake_mlock2(void *self, unsigned long address, size_t length, int flags)
{
	(void)flags;
	return record(self, "mlock2", address, length);
}

static long fake_munlock(void *self, unsigned long address, size_t length)
{
	return record(self, "munlock", address, length);
}

static long fake_mlockall(void *self, int flags)
{
	return record(self, "mlockall", (unsigned long)flags, 0);
}

static long fake_fork(void *self)
{
	return record(self, "fork", 0, 0);
}

static void fake_leave(void *self, bool well)
{
	record(self, "leave", well, 0);
}

static long fake_advise_huge(void *self, enum huge_wish wish, unsigned long address, size_t pages)
{
	return record(self, wish == HUGE_ALWAYS ? "huge" : "small", address, pages);
}

static long fake_limit_memory(void *self, size_t pages)
{
	return record(self, "memory", pages, 0);
}

static long fake_settle(void *self, struct counts *start, struct counts *now)
{
	*start = (struct counts){ .mlocked = 3, .vm_areas = COUNT_UNSEEN };
	*now = (struct counts){ .mlocked = 4, .vm_areas = COUNT_UNSEEN };
	return record(self, "settle", 0, 0);
}

static long fake_prepare_reclaim(void *self)
{
	return record(self, "prepare-reclaim", 0, 0);
}

static long fake_reclaim(void *self)
{
	return record(self, "reclaim", 0, 0);
}

static void fake_enter(void *self)
{
	record(self, "enter", 0, 0);
}

static void fake_exit(void *self)
{
	record(self, "exit", 0, 0);
}

static long fake_prepare_faults(void *self, bool persistent, enum allocations which)
{
	static const char *const names[] = { "one-shot", "one-shot slab", "one-shot page" };

	return record(self, persistent ? "persistent" : names[which], 0, 0);
}

static int fake_stack(void *self, char *names, size_t size)
{
	static const char stack[] = "inner\0outer";

	record(self, "stack", 0, 0);
	assert_true(size >= sizeof(stack));
	memcpy(names, stack, sizeof(stack));
	return 2;
}

static long fake_arm(void *self, unsigned long n)
{
	return record(self, "arm", n, 0);
}

static long fake_injected(void *self)
{
	long result = record(self, "injected", 0, 0);

	return result < 0 ? result : 1;
}

static void fake_observe(void *self, unsigned long arena, struct snapshot *snapshot)
{
	record(self, "observe", arena, snapshot->pages);
	memset(snapshot->smaps, '.', snapshot->pages);
	snapshot->has_smaps = true;
	snapshot->smaps_name = "fake";
	snapshot->has_msync = snapshot->has_resident = snapshot->has_mappings = false;
	snapshot->accounted = snapshot->elsewhere_mapped = snapshot->elsewhere_locked = -1;
}

static long fake_mremap(void *self, unsigned long address, size_t length, unsigned long to, size_t new_length)
{
	(void)length;
	(void)new_length;
	return record(self, "mremap", address, to);
}

static long fake_brk(void *self, unsigned long end)
{
	return record(self, "brk", end, 0);
}

static long fake_exec(void *self, const struct program *program, const struct resume *resume, bool missing)
{
	(void)program;
	return record(self, missing ? "exec-missing" : "exec", (unsigned long)resume->step, (unsigned long)resume->end);
}

static long fake_vfork(void *self, enum child_image image)
{
	return record(self, "vfork", image, 0);
}

static long fake_posix_spawn(void *self, enum child_image image)
{
	return record(self, "posix_spawn", image, 0);
}

static long fake_thread(void *self, void (*run)(void *argument), void *argument)
{
	long result = record(self, "thread", 0, 0);

	run(argument);
	return result;
}

static long fake_make_threads(void *self, int count)
{
	return record(self, "make", (unsigned long)count, 0);
}

/* The last thread first, and each of its calls a second time. */
static long fake_at_once(void *self, int threads, int times, unsigned long order,
			 void (*call)(void *argument, int thread), void *argument)
{
	long result = record(self, "at-once", (unsigned long)times, order);

	for (int thread = threads; result == 0 && thread-- > 0;) {
		call(argument, thread);
		call(argument, thread);
	}
	return result;
}

static long fake_touch(void *self, unsigned long address, size_t pages)
{
	return record(self, "touch", address, pages) < 0 ? SIGBUS : 0;
}

static long fake_page_faults(void *self)
{
	(void)self;
	return 3;
}

static const struct system fake = {
	.page_size = PAGE_SIZE,
	.reserve = fake_reserve,
	.declare = fake_declare,
	.map = fake_map,
	.guard = fake_guard,
	.limit_memlock = fake_limit_memlock,
	.limit_mappings = fake_limit_mappings,
	.advise_huge = fake_advise_huge,
	.limit_memory = fake_limit_memory,
	.become_unprivileged = fake_become_unprivileged,
	.explain = fake_explain,
	.mlock = fake_mlock,
	.mlock2 = fake_mlock2,
	.munlock = fake_munlock,
	.mlockall = fake_mlockall,
	.fork = fake_fork,
	.mremap = fake_mremap,
	.brk = fake_brk,
	.touch = fake_touch,
	.page_faults = fake_page_faults,
	.exec = fake_exec,
	.vfork = fake_vfork,
	.posix_spawn = fake_posix_spawn,
	.thread = fake_thread,
	.make_threads = fake_make_threads,
	.at_once = fake_at_once,
	.leave = fake_leave,
	.prepare_faults = fake_prepare_faults,
	.arm = fake_arm,
	.injected = fake_injected,
	.settle = fake_settle,
	.prepare_reclaim = fake_prepare_reclaim,
	.reclaim = fake_reclaim,
	.observe = fake_observe,
};

static struct recorder recorder;
static struct execution execution;
static char strips[STRIP_COUNT * MAX_PAGES];
static char buffer[4096];
static bool eager_system;   /* one that has everything */
static bool changed_system; /* one that others meddle with */

static const char *fake_limit_changed(void *self)
{
	(void)self;
	return "RLIMIT_FAKE";
}

static void run_in(size_t size, const char *text, const char *failing)
{
	static struct program program;
	struct refusal refusal;
	struct system system = fake;

	if (eager_system) {
		system.enter = fake_enter;
		system.exit = fake_exit;
		system.stack = fake_stack;
	}
	if (changed_system)
		system.limit_changed = fake_limit_changed;
	assert_true(program_parse(text, strlen(text), &program, &refusal));
	memset(buffer, 0, sizeof(buffer));
	memset(&recorder, 0, sizeof(recorder));
	recorder.text = text_in(recorder.log, sizeof(recorder.log));
	recorder.failing = failing;
	system.self = &recorder;
	execution.trace = trace_in(buffer, size);
	execution.strips = strips;
	interpret(&program, &system, program.fault_line ? 3 : 0, &execution);
}

static void run(const char *text, const char *failing)
{
	run_in(sizeof(buffer) - 1, text, failing);
}

#define SNAPSHOT                                                                                                       \
	"{\"locked\":{\"fake\":\"..\"},\"resident\":null,\"mappings\":null,\"accounted\":null,\"elsewhere\":null}"
#define BEFORE "{\"before\":" SNAPSHOT "}\n"

static void the_set_up_has_an_order(void **state)
{
	(void)state;
	run("program p\narena 2\nregion a anonymous rw private\nmap a 1 1 0\nguard 1 1\nlock 1 1 eager\nlock 0 2 "
	    "onfault\n"
	    "limit mappings 5\nlimit memlock 2p+1\nas unprivileged\nend\n",
	    NULL);
	assert_string_equal(recorder.log,
			    "declare 0 1;reserve 2 0;map 1616 1;guard 1616 16;mlock 1616 16;mlock2 1600 32;"
			    "memlock 33 0;unprivileged 0 0;mappings 5 0;observe 1600 2;");
	assert_string_equal(buffer, BEFORE);
	assert_int_equal(execution.status, STATUS_DONE);
}

static void a_set_up_that_fails_says_where_and_why(void **state)
{
	(void)state;
	run("program p\narena 2\nregion a anonymous rw private\nmap a 1 1 0\nlock 1 1 eager\ncall mlock 0 1\nend\n",
	    "mlock");
	assert_int_equal(execution.status, STATUS_SETUP);
	assert_int_equal(execution.step, -1);
	assert_string_equal(execution.reason, "line 5: lock: ENOMEM: the fake says \"so\"");
	assert_string_equal(buffer, "");
}

static void a_call_that_fails_is_a_step_like_others(void **state)
{
	(void)state;
	run("program p\narena 2\ncall mlock 1p+1 -1\ncall munlock 0 2p\nend\n", "mlock");
	assert_string_equal(buffer, BEFORE "{\"step\":0,\"result\":\"ENOMEM\",\"snapshot\":" SNAPSHOT "}\n"
					   "{\"step\":1,\"result\":\"0\",\"snapshot\":" SNAPSHOT "}\n");
	assert_int_equal(execution.status, STATUS_DONE);
	assert_int_equal(execution.step, 1);
}

static void a_fault_is_armed_right_before_the_call_and_disarmed_right_after(void **state)
{
	(void)state;
	run("program p\narena 2\ncall observe\nfault each-allocation\ncall mlock 0 32\nend\n", NULL);
	assert_string_equal(recorder.log,
			    "reserve 2 0;one-shot 0 0;observe 1600 2;observe 1600 2;arm 3 0;mlock 1600 32;injected 0 0;"
			    "observe 1600 2;");
	assert_non_null(strstr(buffer, "{\"step\":1,\"result\":\"0\",\"fault\":\"absorbed\",\"snapshot\""));
	assert_true(execution.fault_reached);
}

static void a_fault_that_makes_the_call_fail_comes_with_its_stack(void **state)
{
	(void)state;
	eager_system = true;
	run("program p\narena 2\nlimit memory 7\nas unprivileged\nfault from-each-allocation\ncall mlock 0 32\nend\n",
	    "mlock");
	eager_system = false;
	assert_string_equal(recorder.log,
			    "reserve 2 0;memory 7 0;persistent 0 0;unprivileged 0 0;observe 1600 2;enter 0 0;arm 3 0;"
			    "mlock 1600 32;injected 0 0;exit 0 0;stack 0 0;observe 1600 2;");
	assert_non_null(strstr(buffer, "{\"step\":0,\"result\":\"ENOMEM\",\"fault\":\"failed\",\"stack\":[\"inner\","
				       "\"outer\"],\"snapshot\""));
}

static void slab_objects_and_pages_fail_apart(void **state)
{
	(void)state;
	run("program p\narena 2\nfault each-slab-allocation\ncall mlock 0 32\nend\n", NULL);
	assert_non_null(strstr(recorder.log, "one-shot slab 0 0;"));
	run("program p\narena 2\nfault each-page-allocation\ncall mlock 0 32\nend\n", NULL);
	assert_non_null(strstr(recorder.log, "one-shot page 0 0;"));
}

static void a_fault_of_which_nothing_is_known_is_no_result(void **state)
{
	(void)state;
	run("program p\narena 2\nfault each-allocation\ncall mlock 0 32\nend\n", "injected");
	assert_int_equal(execution.status, STATUS_SETUP);
	assert_string_equal(execution.reason, "line 4: fault: ENOMEM: the fake says \"so\"");
	assert_false(execution.fault_reached);
	assert_null(strstr(buffer, "\"fault\":"));
}

static void a_mapping_moves_from_page_to_page_and_the_heap_ends_at_one(void **state)
{
	(void)state;
	run("program p\narena 4\ncall mremap 0 1 2 2\ncall brk 1 2\nend\n", NULL);
	assert_string_equal(recorder.log,
			    "reserve 4 0;observe 1600 4;mremap 1600 1632;observe 1600 4;brk 1648 0;observe 1600 4;");
}

static void a_thread_makes_its_steps_before_its_own_ends(void **state)
{
	(void)state;
	run("program p\narena 2\nthread\ncall munlock 0 1\nexit\ncall mlock 0 1\nend\n", NULL);
	assert_string_equal(
		recorder.log,
		"reserve 2 0;observe 1600 2;thread 0 0;munlock 1600 1;observe 1600 2;observe 1600 2;mlock 1600 1;"
		"observe 1600 2;");
	assert_true(strstr(buffer, "\"step\":1") < strstr(buffer, "\"step\":0"));
}

static void threads_are_made_first_and_looked_at_when_all_have_made_their_calls(void **state)
{
	(void)state;
	run("program p\narena 2\nthreads 5\ncall mlock 0 1\ncall munlock 0 1\nexit\ncall mlock 1 1\nend\n", "mlock");
	assert_string_equal(recorder.log,
			    "make 2 0;reserve 2 0;observe 1600 2;at-once 5 0;munlock 1600 1;munlock 1600 1;"
			    "mlock 1600 1;mlock 1600 1;observe 1600 2;mlock 1601 1;observe 1600 2;");
	assert_non_null(strstr(buffer, "{\"step\":0,\"result\":\"0\",\"results\":[[\"ENOMEM\"],[\"0\"]],\"snapshot\""));
	assert_non_null(strstr(buffer, "{\"step\":3,\"result\":\"ENOMEM\",\"snapshot\""));
}

static void without_threads_nothing_is_called(void **state)
{
	static const char program[] = "program p\narena 2\nthreads 5\ncall mlock 0 1\ncall munlock 0 1\nexit\nend\n";

	(void)state;
	run(program, "make");
	assert_int_equal(execution.status, STATUS_SETUP);
	assert_string_equal(execution.reason, "line 3: threads: ENOMEM: the fake says \"so\"");
	run(program, "at-once");
	assert_int_equal(execution.status, STATUS_TROUBLE);
	assert_string_equal(execution.reason, "threads: ENOMEM");
}

static void an_exec_says_where_a_new_image_goes_on(void **state)
{
	(void)state;
	run("program p\narena 2\nfork\ncall exec self\ncall observe\nexit\ncall exec missing\nend\n", "exec-missing");
	assert_non_null(strstr(recorder.log, "exec 1 3;"));
	assert_non_null(strstr(recorder.log, "exec-missing 3 4;"));
	assert_non_null(strstr(buffer, "{\"step\":3,\"result\":\"ENOMEM\""));
}

static void a_child_that_cannot_be_had_says_nothing_of_the_call(void **state)
{
	(void)state;
	run("program p\narena 2\ncall vfork none\ncall posix_spawn missing\nend\n", "posix_spawn");
	assert_non_null(strstr(recorder.log, "vfork 0 0;"));
	assert_non_null(strstr(recorder.log, "posix_spawn 2 0;"));
	assert_non_null(strstr(buffer, "{\"step\":1,\"result\":\"ENOMEM\""));
	assert_int_equal(execution.status, STATUS_DONE);
	run("program p\narena 2\ncall vfork missing\nend\n", "vfork");
	assert_int_equal(execution.status, STATUS_TROUBLE);
	assert_string_equal(execution.reason, "vfork: ENOMEM");
	run("program p\narena 2\ncall posix_spawn self\nend\n", "posix_spawn");
	assert_int_equal(execution.status, STATUS_TROUBLE);
}

static void a_new_image_goes_on_after_its_exec(void **state)
{
	static struct program program;
	const struct resume resume = { .arena = ARENA, .step = 0, .end = 2 };
	const char *text = "program p\narena 2\ncall exec self\ncall mlock 0 1\ncall munlock 0 1\nend\n";
	struct system system = fake;
	struct refusal refusal;

	(void)state;
	assert_true(program_parse(text, strlen(text), &program, &refusal));
	memset(buffer, 0, sizeof(buffer));
	memset(&recorder, 0, sizeof(recorder));
	recorder.text = text_in(recorder.log, sizeof(recorder.log));
	system.self = &recorder;
	execution.trace = trace_in(buffer, sizeof(buffer) - 1);
	execution.status = STATUS_DONE;
	interpret_resume(&program, &system, &resume, &execution);
	assert_string_equal(recorder.log, "observe 1600 2;mlock 1600 1;observe 1600 2;");
	assert_non_null(strstr(buffer, "{\"step\":0,\"result\":\"0\""));
}

static void an_access_to_nothing_ends_the_process(void **state)
{
	(void)state;
	run("program p\narena 2\ncall touch 1 1\ncall mlock 0 1\nend\n", "touch");
	assert_int_equal(execution.status, STATUS_DIED);
	assert_int_equal(execution.signal, SIGBUS);
	assert_int_equal(execution.step, 0);
	assert_null(strstr(buffer, "step"));
}

static void huge_pages_are_asked_for_after_each_map(void **state)
{
	(void)state;
	run("program p\narena 4\nregion a anonymous rw private huge always\nregion b anonymous rw private huge never\n"
	    "map a 0 2 0\nmap b 2 2 0\nend\n",
	    NULL);
	assert_string_equal(recorder.log,
			    "declare 0 2;declare 1 2;reserve 4 0;map 1600 2;huge 1600 2;map 1632 2;small 1632 2;"
			    "observe 1600 4;");
}

static void settling_tells_the_counts_at_the_start_and_now(void **state)
{
	(void)state;
	run("program p\narena 2\ncall settle\nend\n", NULL);
	assert_non_null(strstr(buffer, "{\"step\":0,\"result\":\"0\",\"system\":{\"mlocked\":[3,4],\"vm_areas\":null},"
				       "\"snapshot\""));
	run("program p\narena 2\ncall settle\nend\n", "settle");
	assert_non_null(strstr(buffer, "{\"step\":0,\"result\":\"ENOMEM\",\"snapshot\""));
}

static void memory_is_prepared_to_be_taken_before_it_is_mapped(void **state)
{
	(void)state;
	run("program p\narena 2\nregion a anonymous rw private\nmap a 0 2 0\ncall reclaim\nend\n", NULL);
	assert_string_equal(recorder.log, "prepare-reclaim 0 0;declare 0 2;reserve 2 0;map 1600 2;observe 1600 2;"
					  "reclaim 0 0;observe 1600 2;");
	run("program p\narena 2\ncall reclaim\nend\n", "reclaim");
	assert_int_equal(execution.status, STATUS_TROUBLE);
	assert_string_equal(execution.reason, "reclaim: ENOMEM");
	run("program p\narena 2\ncall reclaim\nend\n", "prepare-reclaim");
	assert_int_equal(execution.status, STATUS_SETUP);
	assert_string_equal(execution.reason, "line 3: reclaim: ENOMEM: the fake says \"so\"");
}

static void the_steps_of_a_child_come_before_its_fork(void **state)
{
	(void)state;
	run("program p\narena 2\nfork\ncall mlock 0 1\nexit\ncall munlock 0 1\nend\n", NULL);
	assert_string_equal(recorder.log, "reserve 2 0;observe 1600 2;fork 0 0;mlock 1600 1;observe 1600 2;leave 1 0;"
					  "observe 1600 2;munlock 1600 1;observe 1600 2;");
	assert_string_equal(buffer, BEFORE "{\"step\":1,\"result\":\"0\",\"snapshot\":" SNAPSHOT "}\n"
					   "{\"step\":0,\"result\":\"0\",\"snapshot\":" SNAPSHOT "}\n"
					   "{\"step\":2,\"result\":\"0\",\"snapshot\":" SNAPSHOT "}\n");
}

static void without_a_fork_a_thread_or_an_image_the_execution_ends(void **state)
{
	static const char *const programs[][2] = {
		{ "fork", "program p\narena 2\ncall mlock 0 1\nfork\ncall mlock 0 1\nexit\ncall mlock 0 1\nend\n" },
		{ "thread", "program p\narena 2\ncall mlock 0 1\nthread\nexit\ncall mlock 0 1\nend\n" },
		{ "exec", "program p\narena 2\ncall mlock 0 1\ncall exec self\ncall mlock 0 1\nend\n" },
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		char reason[32];

		run(programs[i][1], programs[i][0]);
		snprintf(reason, sizeof(reason), "%s: ENOMEM", programs[i][0]);
		assert_int_equal(execution.status, STATUS_TROUBLE);
		assert_int_equal(execution.step, 1);
		assert_string_equal(execution.reason, reason);
		assert_string_equal(buffer, BEFORE "{\"step\":0,\"result\":\"0\",\"snapshot\":" SNAPSHOT "}\n");
	}
}

static void what_others_changed_meanwhile_leaves_nothing_to_say(void **state)
{
	(void)state;
	changed_system = true;
	run("program p\narena 2\ncall mlock 0 1\nend\n", NULL);
	changed_system = false;
	assert_int_equal(execution.status, STATUS_SETUP);
	assert_string_equal(execution.reason, "RLIMIT_FAKE was changed from outside");
}

static void a_trace_that_does_not_fit_ends_the_execution(void **state)
{
	(void)state;
	run_in(sizeof(BEFORE) + 10, "program p\narena 2\nfork\ncall mlock 0 1\nexit\ncall munlock 0 1\nend\n", NULL);
	assert_int_equal(execution.status, STATUS_SETUP);
	assert_memory_equal(execution.reason, "the trace is longer than ", 25);
	assert_int_equal(execution.trace.complete, strlen(BEFORE));
	assert_null(strstr(recorder.log, "munlock"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_set_up_has_an_order),
		cmocka_unit_test(a_set_up_that_fails_says_where_and_why),
		cmocka_unit_test(a_call_that_fails_is_a_step_like_others),
		cmocka_unit_test(a_fault_is_armed_right_before_the_call_and_disarmed_right_after),
		cmocka_unit_test(a_fault_that_makes_the_call_fail_comes_with_its_stack),
		cmocka_unit_test(slab_objects_and_pages_fail_apart),
		cmocka_unit_test(a_fault_of_which_nothing_is_known_is_no_result),
		cmocka_unit_test(a_mapping_moves_from_page_to_page_and_the_heap_ends_at_one),
		cmocka_unit_test(a_thread_makes_its_steps_before_its_own_ends),
		cmocka_unit_test(threads_are_made_first_and_looked_at_when_all_have_made_their_calls),
		cmocka_unit_test(without_threads_nothing_is_called),
		cmocka_unit_test(an_exec_says_where_a_new_image_goes_on),
		cmocka_unit_test(a_child_that_cannot_be_had_says_nothing_of_the_call),
		cmocka_unit_test(a_new_image_goes_on_after_its_exec),
		cmocka_unit_test(an_access_to_nothing_ends_the_process),
		cmocka_unit_test(huge_pages_are_asked_for_after_each_map),
		cmocka_unit_test(settling_tells_the_counts_at_the_start_and_now),
		cmocka_unit_test(memory_is_prepared_to_be_taken_before_it_is_mapped),
		cmocka_unit_test(the_steps_of_a_child_come_before_its_fork),
		cmocka_unit_test(without_a_fork_a_thread_or_an_image_the_execution_ends),
		cmocka_unit_test(what_others_changed_meanwhile_leaves_nothing_to_say),
		cmocka_unit_test(a_trace_that_does_not_fit_ends_the_execution),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
