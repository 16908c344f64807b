/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "program/answer.h"

#define SWEEP "program p\narena 1\nfault each-allocation\ncall munlockall\nend\n"
#define THREADS "program p\narena 1\nthreads 9\ncall munlockall\ncall munlockall\ncall munlockall\nexit\nend\n"
#define PLAIN "program p\narena 1\ncall munlockall\nend\n"

/* What the executions are to end like, and what was answered. */
struct script {
	unsigned long allocations; /* in the swept call */
	enum status status;	   /* of the last execution */
	unsigned long executions;
	char answer[1 << 20];
	size_t length;
};

static void fake_execute(void *self, const struct program *program, unsigned long fault, struct execution *execution)
{
	struct script *script = self;

	(void)program;
	script->executions++;
	execution->fault_reached = fault <= script->allocations;
	execution->status = execution->fault_reached && fault ? STATUS_DONE : script->status;
	execution->signal = SIGBUS;
	execution->step = 7;
	strcpy(execution->reason, "a \"reason\"");
	text_format(&execution->trace.text, "{\"x\":%lu}", fault);
	trace_end_line(&execution->trace);
}

static void fake_put(void *self, const char *lines, size_t length)
{
	struct script *script = self;

	assert_true(script->length + length < sizeof(script->answer));
	memcpy(script->answer + script->length, lines, length);
	script->length += length;
	script->answer[script->length] = '\0';
}

static struct script script;
static struct program program;
static struct execution execution;
static char buffer[8192];

static const struct workspace workspace = {
	.program = &program,
	.execution = &execution,
	.buffer = buffer,
	.size = sizeof(buffer),
};

static const char *answer(bool has_faults, const char *text, unsigned long allocations, enum status status)
{
	const struct target target = {
		.self = &script,
		.abilities.faults[FAULT_EACH_ALLOCATION] = has_faults,
		.execute = fake_execute,
		.put = fake_put,
	};

	script.allocations = allocations;
	script.status = status;
	script.executions = 0;
	script.length = 0;
	answer_program(&target, &workspace, text, strlen(text));
	return script.answer;
}

static void a_program_without_faults_is_executed_once(void **state)
{
	(void)state;
	assert_string_equal(answer(true, PLAIN, 5, STATUS_DONE),
			    "{\"x\":0}\n{\"execution\":0,\"status\":\"done\"}\n{\"end\":\"p\"}\n");
}

static void each_status_has_its_fields(void **state)
{
	static const char *const lines[] = {
		[STATUS_DONE] = "{\"execution\":0,\"status\":\"done\"}\n",
		[STATUS_SETUP] = "{\"execution\":0,\"status\":\"setup\",\"reason\":\"a \\\"reason\\\"\"}\n",
		[STATUS_TROUBLE] =
			"{\"execution\":0,\"status\":\"trouble\",\"reason\":\"a \\\"reason\\\"\",\"step\":7}\n",
		[STATUS_DIED] = "{\"execution\":0,\"status\":\"died\",\"signal\":\"SIGBUS\",\"step\":7}\n",
		[STATUS_KILLED] = "{\"execution\":0,\"status\":\"killed\",\"step\":7}\n",
		[STATUS_OOM] = "{\"execution\":0,\"status\":\"oom\",\"step\":7}\n",
		[STATUS_HUNG] = "{\"execution\":0,\"status\":\"hung\",\"step\":7}\n",
	};

	(void)state;
	for (int status = STATUS_DONE; status <= STATUS_HUNG; status++)
		assert_non_null(strstr(answer(true, PLAIN, 0, (enum status)status), lines[status]));
}

static void where_calls_are_made_in_one_order_at_a_time_each_order_is_an_execution(void **state)
{
	struct target target = { .self = &script, .execute = fake_execute, .put = fake_put };

	(void)state;
	for (int orders = 0; orders < 2; orders++) {
		target.abilities.orders = orders;
		script = (struct script){ .status = STATUS_DONE };
		answer_program(&target, &workspace, THREADS, strlen(THREADS));
		assert_int_equal(script.executions, orders ? 6 : 1);
		assert_non_null(strstr(script.answer,
				       orders ? "{\"x\":5}\n{\"execution\":5," : "{\"x\":0}\n{\"execution\":0,"));
	}
}

static void a_sweep_ends_with_the_first_allocation_that_is_not_there(void **state)
{
	(void)state;
	assert_string_equal(answer(true, SWEEP, 1, STATUS_DONE), "{\"x\":1}\n{\"execution\":1,\"status\":\"done\"}\n"
								 "{\"x\":2}\n{\"execution\":2,\"status\":\"done\"}\n"
								 "{\"end\":\"p\"}\n");
}

static void a_sweep_ends_when_an_execution_does(void **state)
{
	(void)state;
	answer(true, SWEEP, 0, STATUS_HUNG);
	assert_int_equal(script.executions, 1);
}

static void a_sweep_ends_after_10000_executions(void **state)
{
	(void)state;
	answer(true, SWEEP, SIZE_MAX, STATUS_DONE);
	assert_int_equal(script.executions, 10000);
	assert_string_equal(script.answer + script.length - strlen("{\"end\":\"p\"}\n"), "{\"end\":\"p\"}\n");
}

static void a_sweep_is_refused_where_nothing_can_be_made_to_fail(void **state)
{
	(void)state;
	assert_string_equal(
		answer(false, SWEEP, 1, STATUS_DONE),
		"{\"refused\":\"p\",\"line\":3,\"reason\":\"fault: this target cannot make an allocation fail\"}\n"
		"{\"end\":\"p\"}\n");
	assert_int_equal(script.executions, 0);
}

static void what_a_target_cannot_do_is_refused(void **state)
{
	(void)state;
	assert_string_equal(answer(true, "program p\narena 1\nfault from-each-allocation\ncall munlockall\nend\n", 1,
				   STATUS_DONE),
			    "{\"refused\":\"p\",\"line\":3,\"reason\":\"fault: this target cannot make an "
			    "allocation and all later ones fail\"}\n{\"end\":\"p\"}\n");
	assert_string_equal(answer(true, "program p\narena 1\nlimit memory 4\nend\n", 1, STATUS_DONE),
			    "{\"refused\":\"p\",\"line\":3,\"reason\":\"limit: this target cannot limit the memory "
			    "of a process\"}\n{\"end\":\"p\"}\n");
	assert_string_equal(answer(true, "program p\narena 1\ncall observe\ncall settle\nend\n", 1, STATUS_DONE),
			    "{\"refused\":\"p\",\"line\":4,\"reason\":\"call: this target cannot settle: other "
			    "programs run on it, or its counts cannot be read\"}\n{\"end\":\"p\"}\n");
	assert_string_equal(answer(true, "program p\narena 1\ncall reclaim\nend\n", 1, STATUS_DONE),
			    "{\"refused\":\"p\",\"line\":3,\"reason\":\"call: this target cannot take memory back "
			    "from a process\"}\n{\"end\":\"p\"}\n");
	assert_string_equal(answer(true, "program p\ndefect 7\narena 1\ncall observe\nend\n", 1, STATUS_DONE),
			    "{\"refused\":\"p\",\"line\":2,\"reason\":\"defect: this target has none that could "
			    "be planted\"}\n{\"end\":\"p\"}\n");
	assert_int_equal(script.executions, 0);
}

static const char *more; /* what the end line of the target has besides */

static const char *fake_end_fields(void *self)
{
	(void)self;
	return more;
}

static const char *answer_with_more(const char *fields)
{
	const struct target target = {
		.self = &script, .execute = fake_execute, .end_fields = fake_end_fields, .put = fake_put
	};

	more = fields;
	script.status = STATUS_DONE;
	script.length = 0;
	answer_program(&target, &workspace, PLAIN, strlen(PLAIN));
	return script.answer;
}

static void the_end_line_has_room_for_what_the_target_adds(void **state)
{
	static char fields[sizeof(buffer) - 20];

	(void)state;
	assert_string_equal(answer_with_more(",\"taint\":[0,512]"),
			    "{\"x\":0}\n{\"execution\":0,\"status\":\"done\"}\n{\"end\":\"p\",\"taint\":[0,512]}\n");
	memset(fields, ' ', sizeof(fields) - 1);
	assert_int_equal(strlen(answer_with_more(fields)),
			 strlen("{\"x\":0}\n{\"execution\":0,\"status\":\"done\"}\n{\"end\":\"p\"}\n") +
				 sizeof(fields) - 1);
}

static void a_stray_line_has_no_end(void **state)
{
	const struct target target = { .self = &script, .execute = fake_execute, .put = fake_put };

	(void)state;
	script.length = 0;
	answer_stray_line(&target, &workspace, "what?\n", 6);
	assert_string_equal(script.answer,
			    "{\"refused\":\"\",\"line\":1,\"reason\":\"\\\"what?\\\" stands outside a program\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_without_faults_is_executed_once),
		cmocka_unit_test(each_status_has_its_fields),
		cmocka_unit_test(where_calls_are_made_in_one_order_at_a_time_each_order_is_an_execution),
		cmocka_unit_test(a_sweep_ends_with_the_first_allocation_that_is_not_there),
		cmocka_unit_test(a_sweep_ends_when_an_execution_does),
		cmocka_unit_test(a_sweep_ends_after_10000_executions),
		cmocka_unit_test(a_sweep_is_refused_where_nothing_can_be_made_to_fail),
		cmocka_unit_test(what_a_target_cannot_do_is_refused),
		cmocka_unit_test(the_end_line_has_room_for_what_the_target_adds),
		cmocka_unit_test(a_stray_line_has_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
