/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/log.h"

static const char *const marked[] = {
	"FAULT_INJECTION: forcing a failure.\\x0aname failslab, interval 1, probability 0, space 0, times -1",
	"CPU: 0 PID: 44 Comm: init Not tainted 6.1.187 #1",
	"Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2 04/01/2014",
	"Call Trace:",
	"<TASK>",
	"dump_stack_lvl+0x33/0x42",
	"should_fail.cold+0x5/0xa",
	"should_failslab+0x9/0x20",
	"kmem_cache_alloc+0x2e/0x170",
	"? find_vma+0x25/0x50",
	"vm_area_dup.part.0+0x1a/0x90",
	"RIP: 0033:0x401c3f",
	"RAX: ffffffffffffffda RBX: 0000000000000000 RCX: 0000000000401c3f",
	"</TASK>",
};

static void take(struct fault_report *report, const char *const *lines, size_t count, char *names)
{
	for (size_t i = 0; i < count; i++) {
		const char *name;
		size_t length;

		assert_true(fault_report_has(report, lines[i]));
		length = fault_report_function(report, lines[i], &name);
		strncat(names, length ? name : "", length);
		strcat(names, length ? " " : "");
	}
}

static void a_report_of_a_fault_is_told_from_other_records(void **state)
{
	struct fault_report report = { 0 };
	char names[1024] = "";

	(void)state;
	assert_false(fault_report_has(&report, "vm_area_dup+0x1a/0x90"));
	take(&report, marked, sizeof(marked) / sizeof(marked[0]), names);
	assert_string_equal(names, "should_failslab kmem_cache_alloc vm_area_dup ");
	assert_false(fault_report_has(&report, "WARNING: CPU: 0 PID: 1 at mm/mlock.c:1"));
	take(&report, marked, sizeof(marked) / sizeof(marked[0]), names);
}

static void a_trace_without_marks_ends_with_another_record(void **state)
{
	static const char *const lines[] = { "FAULT_INJECTION: forcing a failure.",
					     "Call trace:", "dump_backtrace+0xd4/0x130", "should_failslab+0x3c/0x5c",
					     "el0t_64_sync+0x18c/0x190" };
	struct fault_report report = { 0 };
	char names[1024] = "";

	(void)state;
	take(&report, lines, sizeof(lines) / sizeof(lines[0]), names);
	assert_string_equal(names, "should_failslab el0t_64_sync ");
	assert_false(fault_report_has(&report, "BUG: Bad page map"));
	assert_false(fault_report_has(&report, "el0t_64_sync+0x18c/0x190"));
}

static void the_report_of_a_limit_of_memory_is_no_news_unless_it_ends_with_a_kill(void **state)
{
	struct fault_report report = { 0 };

	(void)state;
	assert_true(fault_report_has(&report, "init invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0"));
	assert_true(fault_report_has(&report, "Call Trace:"));
	assert_true(fault_report_has(&report, "Out of memory and no killable processes..."));
	assert_false(fault_report_has(&report, "Call Trace:"));
	assert_true(fault_report_has(&report, "init invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0"));
	assert_false(fault_report_has(&report, "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null)"));
	assert_false(fault_report_has(&report, "Memory cgroup out of memory: Killed process 7 (init)"));
}

static void the_rest_of_a_report_is_known_without_its_beginning(void **state)
{
	struct fault_report report = { 0 };

	(void)state;
	fault_report_lost(&report);
	for (size_t i = 1; i < sizeof(marked) / sizeof(marked[0]); i++)
		assert_true(fault_report_has(&report, marked[i]));
	assert_false(fault_report_has(&report, "Call Trace:"));
	fault_report_lost(&report);
	assert_true(fault_report_has(&report, "R10: 00007ff68366c000 R11: 0000000000000246 R12: 0000000000000000"));
	assert_false(fault_report_has(&report, "BUG: Bad page map in process init"));
	assert_false(fault_report_has(&report, "Call Trace:"));
}

static void a_report_without_its_end_does_not_hide_what_comes_after(void **state)
{
	struct fault_report report = { 0 };
	int records = 0;

	(void)state;
	assert_true(fault_report_has(&report, marked[0]));
	while (fault_report_has(&report, "something else"))
		records++;
	assert_int_equal(records, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_of_a_fault_is_told_from_other_records),
		cmocka_unit_test(a_trace_without_marks_ends_with_another_record),
		cmocka_unit_test(the_report_of_a_limit_of_memory_is_no_news_unless_it_ends_with_a_kill),
		cmocka_unit_test(the_rest_of_a_report_is_known_without_its_beginning),
		cmocka_unit_test(a_report_without_its_end_does_not_hide_what_comes_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
