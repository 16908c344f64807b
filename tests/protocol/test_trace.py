# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.errors import TargetError
from lockproof.conformance.protocol.trace import (
    Crash,
    Elsewhere,
    Ended,
    Execution,
    Snapshot,
    StepTrace,
    SystemTrace,
    Trace,
    TraceReader,
    merged,
    read_trace,
)

SNAPSHOT = '{"locked":{"smaps":".L_","msync":".L_"},"resident":"RR_","mappings":"|-_","accounted":1,"elsewhere":{"mapped":9,"locked":0}}'
BEFORE = f'{{"before":{SNAPSHOT}}}'
STEP = f'{{"step":0,"result":"ENOMEM","snapshot":{SNAPSHOT}}}'
DONE = '{"execution":0,"status":"done"}'
END = '{"end":"demo"}'
GOOD = (BEFORE, STEP, DONE, END)
SEEN = Snapshot({"smaps": ".L_", "msync": ".L_"}, "RR_", "|-_", 1, Elsewhere(9, 0))


def read(*lines: str) -> Trace | None:
    """Feed the lines of program `demo`, of three pages; the trace that the last one gives."""
    reader = TraceReader("demo", 3)
    *first, last = lines
    assert [reader.feed(line) for line in first] == [None] * len(first)
    return reader.feed(last)


def error(*lines: str) -> str:
    with pytest.raises(TargetError) as caught:
        read(*lines)
    return str(caught.value)


def test_a_trace_is_what_its_lines_say() -> None:
    assert read(*GOOD) == Trace(
        (Execution(0, Ended.DONE, SEEN, (StepTrace(0, "ENOMEM", SEEN),)),), trouble=None, lines=GOOD
    )


STACK = '"stack":["should_failslab","kmem_cache_alloc","vm_area_dup"]'


def test_a_fault_has_the_stack_of_the_allocation_that_failed() -> None:
    trace = read(BEFORE, STEP.replace('"snapshot"', f'"fault":"failed",{STACK},"snapshot"'), DONE, END)
    assert trace is not None
    assert trace.executions[0].steps[0].stack == ("should_failslab", "kmem_cache_alloc", "vm_area_dup")


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ('{"mlocked":[0,3],"vm_areas":[312,312]}', SystemTrace((0, 3), (312, 312))),
        ('{"mlocked":null,"vm_areas":null}', SystemTrace(None, None)),
    ],
)
def test_a_settled_system_says_what_it_counts(text: str, system: SystemTrace) -> None:
    trace = read(BEFORE, STEP.replace('"snapshot"', f'"system":{text},"snapshot"'), DONE, END)
    assert trace is not None
    assert trace.executions[0].steps[0].system == system


def test_the_end_says_what_the_kernel_said_meanwhile() -> None:
    end = '{"end":"demo","taint":[0,512],"log":["WARNING: CPU: 0","RIP: 0010"]}'
    trace = read(BEFORE, STEP, DONE, end)
    assert trace is not None
    assert (trace.taint, trace.log) == ((0, 512), ("WARNING: CPU: 0", "RIP: 0010"))
    assert trace.trouble is None
    assert trace.lines[-1] == end


def test_a_crash_closes_the_trace_with_what_was_reported_before_it() -> None:
    reader = TraceReader("demo", 3)
    for line in (BEFORE, STEP, DONE, BEFORE):
        reader.feed(line)
    crash = Crash("Kernel panic", ("Oops: 0002 [#1]", 'a "quoted" line'))
    trace = reader.crashed(crash)
    assert trace.crash == crash
    assert trace.trouble is None
    assert [execution.number for execution in trace.executions] == [0]
    assert json.loads(trace.lines[-1]) == {"crash": "Kernel panic", "log": ["Oops: 0002 [#1]", 'a "quoted" line']}


def test_a_kernel_that_hung_is_told_from_one_that_said_why() -> None:
    for crash in (Crash("the kernel hung", (), hung=True), Crash("Kernel panic", ("Oops",))):
        reader = TraceReader("demo", 3)
        for line in (BEFORE, STEP, DONE, BEFORE):
            reader.feed(line)
        assert read_trace(reader.crashed(crash).lines, 3).crash == crash


def test_what_sessions_made_of_one_program_is_one_trace() -> None:
    done, other = Execution(0, Ended.DONE, SEEN, ()), Execution(0, Ended.DONE, None, ())
    crash = Crash("Kernel panic", ())
    first, second = Trace((done,), lines=("1",), taint=(0, 1), log=("a",)), Trace((other,), "lost", ("2",), crash)
    assert merged([first, second]) == Trace((done, other), "lost", ("1", "2"), crash, (0, 1), ("a",))
    assert merged([]) == Trace(())


def test_run_lengths_are_written_out_and_what_was_not_seen_is_none() -> None:
    reader = TraceReader("demo", 1000)
    reader.feed(
        '{"before":{"locked":{"model":"L*999."},"resident":null,"mappings":null,"accounted":null,"elsewhere":null}}'
    )
    reader.feed(DONE)
    trace = reader.feed(END)
    assert trace is not None
    assert trace.executions[0].before == Snapshot({"model": "L" * 999 + "."}, None, None, None, None)


def test_a_sweep_is_several_executions() -> None:
    failed = f'{{"step":0,"result":"EAGAIN","fault":"failed","snapshot":{SNAPSHOT}}}'
    reached = f'{{"step":0,"result":"0","fault":"not-reached","snapshot":{SNAPSHOT}}}'
    trace = read(
        BEFORE, failed, '{"execution":1,"status":"done"}', BEFORE, reached, '{"execution":2,"status":"done"}', END
    )
    assert trace is not None
    assert [(execution.number, execution.steps[0].fault) for execution in trace.executions] == [
        (1, "failed"),
        (2, "not-reached"),
    ]


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        (
            '{"execution":0,"status":"setup","reason":"lock: ENOMEM"}',
            Execution(0, Ended.SETUP, None, (), "lock: ENOMEM"),
        ),
        (
            '{"execution":3,"status":"died","signal":"SIGSEGV","step":2}',
            Execution(3, Ended.DIED, None, (), signal="SIGSEGV", at_step=2),
        ),
        (
            '{"execution":0,"status":"trouble","reason":"fork: EAGAIN","step":1}',
            Execution(0, Ended.TROUBLE, None, (), "fork: EAGAIN", at_step=1),
        ),
        ('{"execution":0,"status":"hung","step":-1}', Execution(0, Ended.HUNG, None, (), at_step=-1)),
        ('{"execution":0,"status":"oom","step":0}', Execution(0, Ended.OOM, None, (), at_step=0)),
        ('{"execution":0,"status":"killed","step":0}', Execution(0, Ended.KILLED, None, (), at_step=0)),
    ],
)
def test_every_way_to_end_is_read(line: str, ending: Execution) -> None:
    assert read(line, END) == Trace((ending,), None, (line, END))


def test_a_target_may_have_no_observer_of_locks() -> None:
    nobody = '"smaps":".L_","msync":".L_"', ""
    trace = read(BEFORE.replace(*nobody), STEP.replace(*nobody), DONE, END)
    assert trace is not None
    (execution,) = trace.executions
    assert execution.before is not None
    assert execution.before.locked == execution.steps[0].snapshot.locked == {}


def test_steps_belong_to_the_execution_that_closes_after_them() -> None:
    trace = read(BEFORE, STEP, DONE, DONE, END)
    assert trace is not None
    assert [len(execution.steps) for execution in trace.executions] == [1, 0]
    assert trace.executions[1].before is None


def test_a_refused_program_is_trouble() -> None:
    trace = read('{"refused":"demo","line":4,"reason":"map: page 9 is outside the arena of 9 pages"}', END)
    assert trace is not None
    assert trace.executions == ()
    assert trace.trouble == "the target refused line 4 of the program: map: page 9 is outside the arena of 9 pages"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("",), "not the protocol, no line of a trace: ''"),
        (("Segmentation fault",), "not the protocol, no line of a trace: 'Segmentation fault'"),
        (("[" * 500,), f"not the protocol, no line of a trace: '{'[' * 120}…'"),
        (('{"hello":{}}',), "not the protocol, no line of a trace: '{\"hello\":{}}'"),
        ((' {"end":"demo"}',), "not the protocol, no line of a trace: ' {\"end\":\"demo\"}'"),
        (('{"end":"demo"',),
         "not the protocol, Invalid JSON: EOF while parsing an object at line 1 column 13: '{\"end\":\"demo\"'"),
        (('{"end":"demo"} x',),
         "not the protocol, Invalid JSON: trailing characters at line 1 column 16: '{\"end\":\"demo\"} x'"),
        (('{"end":"demo","more":1}',),
         "not the protocol, more: Unexpected keyword argument: '{\"end\":\"demo\",\"more\":1}'"),
        (('{"end":null}',), "not the protocol, end: Input should be a valid string: '{\"end\":null}'"),
        ((DONE, '{"end":"other"}'), "not the protocol, the end of another program than demo: '{\"end\":\"other\"}'"),
        ((END,), "not the protocol, the end of a program that was not executed: '{\"end\":\"demo\"}'"),
        ((*GOOD[:3], BEFORE, END), "not the protocol, the end of a program in the middle of an execution: '{\"end\":\"demo\"}'"),
        (('{"execution":0,"status":"fine"}',),
         ("not the protocol, status: Input should be 'done', 'setup', 'trouble', 'died', 'killed', 'oom' or 'hung': "
          "'{\"execution\":0,\"status\":\"fine\"}'")),
        (('{"execution":0}',), "not the protocol, status: Field required: '{\"execution\":0}'"),
        (('{"execution":"x","status":"done"}',),
         ("not the protocol, execution: Input should be a valid integer, unable to parse string as an integer: "
          "'{\"execution\":\"x\",\"status\":\"done\"}'")),
    ],
)  # fmt: skip
def test_what_is_not_the_protocol_is_said_with_the_line(lines: tuple[str, ...], message: str) -> None:
    assert error(*lines) == message


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"smaps":".L_"', '"smaps":".L"', "a strip that is not 3 pages long"),
        ('"msync":".L_"', '"msync":".L__"', "a strip that is not 3 pages long"),
        ('"RR_"', '"R*9"', "a strip that is not 3 pages long"),
        ('"|-_"', '"|-"', "a strip that is not 3 pages long"),
        (
            '"smaps":".L_"',
            '"smaps":".R_"',
            "{at}.locked.smaps: Value error, 'R' has no meaning in this strip; write one of L F . _ for each page",
        ),
        ('"RR_"', '"LL_"', "{at}.resident: Value error, 'L' has no meaning in this strip; write one of R . _ for each page"),
        ('"|-_"', '"RR_"', "{at}.mappings: Value error, 'R' has no meaning in this strip; write one of | - _ for each page"),
        ('"RR_",', '"R*999999999",', "{at}.resident: Value error, 999999999 pages are too many; write a strip of at most 2097152"),
        ('"accounted":1,', "", "{at}.accounted: Field required"),
        ('"accounted":1', '"accounted":1.5', "{at}.accounted: Input should be a valid integer, got a number with a fractional part"),
        ('"mapped":9,', "", "{at}.elsewhere.mapped: Field required"),
        ('"accounted":1', '"accounted":1,"swapped":0', "{at}.swapped: Unexpected keyword argument"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("line", "at"), [(BEFORE, "before"), (STEP, "snapshot")])
def test_a_snapshot_that_is_none_is_said(line: str, at: str, old: str, new: str, what: str) -> None:
    assert old in line
    assert error(line.replace(old, new)).startswith(f"not the protocol, {what.format(at=at)}: '{line[:8]}")


def test_the_page_faults_of_an_access_are_kept() -> None:
    touched = read(BEFORE, STEP.replace('"result"', '"page_faults":3,"result"'), DONE, END)
    assert touched is not None
    assert touched.executions[0].steps[0].page_faults == 3


def test_strips_of_more_pages_than_anybody_can_hold_are_no_trace() -> None:
    reader = TraceReader("demo", 1 << 21)
    snapshot = '{"locked":{"smaps":".*2097152"},"resident":null,"mappings":null,"accounted":1,"elsewhere":null}'
    steps = [f'{{"step":{number},"result":"0","snapshot":{snapshot}}}' for number in range(130)]
    with pytest.raises(TargetError, match="strips of more than 256 Mi pages"):
        list(map(reader.feed, steps))


def test_a_step_comes_once_in_an_execution() -> None:
    assert error(BEFORE, STEP, STEP).startswith("not the protocol, step 0 a second time in one execution: ")


def test_a_fault_failed_the_call_or_was_absorbed_or_not_reached() -> None:
    assert error(STEP.replace('"result"', '"fault":"perhaps","result"')).startswith(
        "not the protocol, fault: Input should be 'not-reached', 'failed' or 'absorbed': "
    )


def test_what_came_before_the_stream_broke_is_kept() -> None:
    reader = TraceReader("demo", 3)
    for line in (BEFORE, STEP, DONE, BEFORE):
        reader.feed(line)
    with pytest.raises(TargetError):
        reader.feed("Oops: 0000 [#1]")
    assert reader.lost("the target died") == Trace(
        (Execution(0, Ended.DONE, SEEN, (StepTrace(0, "ENOMEM", SEEN),)),),
        "the target died",
        (BEFORE, STEP, DONE, BEFORE),
    )


LINES = st.sampled_from(GOOD)
TRUNCATED = st.builds(lambda line, cut: line[:cut], LINES, st.integers(0, 200))
MUTATED = st.builds(
    lambda line, at, length, new: line[: at % len(line)] + new + line[at % len(line) + length :],
    LINES,
    st.integers(0, 300),
    st.integers(0, 5),
    st.text(max_size=3) | st.sampled_from(["\\ud800", "1e999", "NaN", "-", "9" * 5000, "[" * 3000, "null", '"', "}", "*9"]),
)  # fmt: skip
ARBITRARY = st.text() | st.builds(
    '{{"{}":{}'.format, st.sampled_from(["before", "step", "execution", "refused", "end"]), st.text(st.characters())
)


@given(st.lists(LINES | TRUNCATED | MUTATED | ARBITRARY, max_size=8))
def test_no_line_raises_anything_but_a_target_error(lines: list[str]) -> None:
    reader = TraceReader("demo", 3)
    trace = None
    for line in lines:
        try:
            trace = reader.feed(line)
        except TargetError as wrong:
            assert str(wrong).startswith("not the protocol, ")  # noqa: PT017  what is raised is not what is asked
            trace = reader.lost(str(wrong))
        if trace is not None:
            break
    if trace is not None:
        assert all(json.loads(line) for line in trace.lines)


def test_a_lone_surrogate_is_a_target_error() -> None:
    assert error('{"end":"\ud800"}').startswith("not the protocol, ")
