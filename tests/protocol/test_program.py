# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lockproof.conformance.errors import CaseFileError
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.language.loading import load
from lockproof.conformance.protocol.program import DEFAULT_TIME_LIMIT, Program, compile_case
from lockproof.conformance.protocol.trace import Ended
from lockproof.runners import model
from tests.helpers import case_of

if TYPE_CHECKING:
    from lockproof.conformance.protocol.trace import Trace


def text_of(fields: str) -> str:
    return compile_case(case_of(fields)).text


def traced(program: Program) -> Trace:
    with model.make("posix").session() as session:
        (trace,) = session.run([program])
    return trace


def test_a_program_says_everything_that_a_case_says() -> None:
    case = case_of(
        "map: aa_bbba_cc\n"
        "regions:\n"
        "  a: {guard: .G.}\n"
        "  b: {kind: file, file-pages: 2, share: shared, protection: r}\n"
        "  c: {kind: file, alias: b, huge: never}\n"
        "  d: {kind: shm, protection: none}\n"
        "locked: L._FF.._.L\n"
        "limits: {memlock: 4p-1, mappings: 3, memory: 200}\n"
        "as: unprivileged\n"
        "steps:\n"
        "- {call: mlock, range: .^^^......, fault: each-allocation, expect: {result: 0}}\n"
        "- {call: munlock, range: {pages: ..^^......, start: -1, end: 100}}\n"
        "- {call: mlock2, range: {pages: ^.........}, flags: 0x10}\n"
        "- {call: mlockall, flags: [CURRENT, FUTURE]}\n"
        "- {call: munlockall}\n"
        "- call: fork\n"
        "  child:\n"
        "  - {call: munlock, range: {pages: ^........., length: 0}}\n"
        "  - {call: observe}\n"
        "- {call: mmap, region: d, range: ..^^......}\n"
        "- {call: mmap, region: d, range: ^.........}\n"
        "- {call: mmap, region: c, range: .......^..}\n"
        "- {call: munmap, range: {pages: .^........, length: -1}}\n"
        "- {call: mprotect, range: .........^, protection: rx}\n"
        "- {call: madvise, range: ^^^^^^^^^^, advice: dontneed}\n"
        "- {call: msync, range: {pages: ^^........, length: 1p+1}, flags: [ASYNC, INVALIDATE]}\n"
        "- {call: touch, range: .....^^...}\n"
    )
    program = compile_case(case, time_limit=1.5)
    assert program.pages == 10
    assert program.time_limit == 1.5
    assert program.text.splitlines() == [
        "time 1500",
        "arena 10",
        "region a anonymous rw private",
        "region b file r shared file-pages 2",
        "region c file rw private alias b huge never",
        "region d shm none shared",
        "map a 0 2 0",
        "map b 3 3 0",
        "map a 6 1 2",
        "map c 8 2 0",
        "guard 1 1",
        "lock 0 1 eager",
        "lock 3 2 onfault",
        "lock 9 1 eager",
        "limit memlock 4p-1",
        "limit mappings 3",
        "limit memory 200",
        "as unprivileged",
        "fault each-allocation",
        "call mlock 1p 3p",
        "call munlock 2p-1 2p+101",
        "call mlock2 0p 1p 16",
        "call mlockall CURRENT,FUTURE",
        "call munlockall",
        "fork",
        "call munlock 0p 0",
        "call observe",
        "exit",
        "call mmap d 2 2 0",
        "call mmap d 0 1 2",
        "call mmap c 7 1 2",
        "call munmap 1p -1",
        "call mprotect 9p 1p rx",
        "call madvise 0p 10p dontneed",
        "call msync 0p 1p+1 ASYNC,INVALIDATE",
        "call touch 5 2",
    ]
    assert program.text.endswith("\n")


def test_a_shortage_that_lasts_and_a_settling_are_written_as_in_the_case() -> None:
    text = text_of(
        "map: aa\nregions: {a: {huge: always}}\nsteps:\n"
        "- {call: mlock, range: ^^, fault: from-each-allocation, expect: {result: 0}}\n- {call: settle}"
    )
    assert text.splitlines()[2:] == [
        "region a anonymous rw private huge always",
        "map a 0 2 0",
        "fault from-each-allocation",
        "call mlock 0p 2p",
        "call settle",
    ]


def test_memory_that_is_taken_back_is_a_call_without_operands() -> None:
    text = text_of("checks: [mlock.in-memory]\nmap: aa\nlocked: L.\ncall: reclaim\nexpect: {resident: R.}")
    assert text.splitlines()[-1] == "call reclaim"


def test_the_usual_time_limit_is_thirty_seconds() -> None:
    program = compile_case(case_of("map: a\ncall: mlock\nrange: ^\nexpect: {result: 0}"))
    assert program.time_limit == DEFAULT_TIME_LIMIT == 30.0
    assert program.text.startswith("time 30000\n")


@pytest.mark.parametrize(
    ("limit", "line"),
    [("0", "limit memlock 0"), ("4p", "limit memlock 4p"), ("4096", "limit memlock 4096"), ("2p+7", "limit memlock 2p+7"),
     ("unlimited", "limit memlock unlimited")],
)  # fmt: skip
def test_a_limit_is_written_as_in_the_case(limit: str, line: str) -> None:
    assert line in text_of(f"map: a\nlimits: {{memlock: {limit}}}\ncall: mlock\nrange: ^\nexpect: {{result: 0}}").split(
        "\n"
    )


def test_a_long_strip_is_one_line() -> None:
    text = text_of("map: a*1500b*500\nlocked: .*1499L*2.*499\ncall: mlock\nrange: .^*1998.\nexpect: {result: 0}")
    assert text.splitlines()[4:] == ["map a 0 1500 0", "map b 1500 500 0", "lock 1499 2 eager", "call mlock 1p 1998p"]


def test_a_privileged_case_gives_nothing_up() -> None:
    assert "as " not in text_of("map: a\nas: privileged\ncall: mlock\nrange: ^\nexpect: {result: 0}")


PAGES = 8
LOCKS = st.lists(st.sampled_from(".LF"), min_size=PAGES, max_size=PAGES)
RANGES = st.tuples(st.integers(0, PAGES - 1), st.integers(1, PAGES)).map(
    lambda pair: "".join("^" if pair[0] <= page < pair[0] + pair[1] else "." for page in range(PAGES))
)
SIZES = st.one_of(
    st.integers(-9999, 99999).map(str), st.builds("{}p".format, st.integers(-9, 9999)), st.just("2p-1"), st.just("1p+1")
)
BYTES = st.builds(
    "{{pages: {}, start: {}, end: {}}}".format, RANGES, st.integers(-9999, 9999), st.integers(-9999, 9999)
) | st.builds("{{pages: {}, length: {}}}".format, RANGES, SIZES)
STEPS = st.one_of(
    st.builds("call: {}, range: {}".format, st.sampled_from(["mlock", "munlock"]), BYTES | RANGES),
    st.builds("call: munmap, range: {}".format, RANGES),
    st.builds("call: mlock2, range: {}, flags: {}".format, BYTES, st.sampled_from(["ONFAULT", "0", "0x1", "7"])),
    st.builds("call: mlockall, flags: {}".format, st.sampled_from(["CURRENT", "[FUTURE, ONFAULT]", "0", "99"])),
    st.builds("call: mprotect, range: {}, protection: {}".format, RANGES, st.sampled_from(["none", "r", "rw", "rwx"])),
    st.builds("call: madvise, range: {}, advice: {}".format, RANGES, st.sampled_from(["dontneed", "willneed"])),
    st.builds("call: msync, range: {}, flags: {}".format, BYTES, st.sampled_from(["INVALIDATE", "[ASYNC, SYNC]", "4"])),
    st.builds("call: mmap, range: {}, region: {}".format, RANGES, st.sampled_from("abz")),
    st.builds("call: touch, range: {}".format, RANGES),
    st.sampled_from(["call: munlockall", "call: observe", "call: fork, child: [{call: munlockall}, {call: observe}]"]),
)
KINDS = st.sampled_from(["anonymous", "file", "shared", "shm", "memfd", "stack"])


@given(
    layout=st.lists(st.sampled_from("aabb_"), min_size=PAGES, max_size=PAGES).filter(lambda pages: {"a", "b"} < {*pages, "_"}),
    locks=LOCKS,
    kind=KINDS,
    limits=st.sampled_from(["{}", "{memlock: 3p}", "{memlock: 0, mappings: 2}", "{mappings: 0}", "{memlock: unlimited}",
                            "{memory: 5}"]),
    steps=st.lists(STEPS, min_size=1, max_size=6),
)  # fmt: skip
def test_a_case_that_loads_becomes_a_program_that_is_accepted(
    layout: list[str], locks: list[str], kind: str, limits: str, steps: list[str]
) -> None:
    strip = "".join("_" if letter == "_" else lock for letter, lock in zip(layout, locks, strict=True))
    lines = "".join(f"- {{{step}, expect: {{result: 0}}}}\n" for step in steps)
    text = (
        f"map: {''.join(layout)}\nlocked: {strip}\nlimits: {limits}\nregions: {{b: {{kind: {kind}}}}}\nsteps:\n{lines}"
    )
    trace = traced(compile_case(case_of(text)))
    assert trace.trouble is None
    assert trace.executions[0].status in {Ended.DONE, Ended.SETUP, Ended.DIED, Ended.TROUBLE}  # a fork that fails


@given(
    step=STEPS,
    fault=st.sampled_from(
        ["each-allocation", "from-each-allocation", "each-slab-allocation", "from-each-page-allocation"]
    ),
    layout=st.lists(st.sampled_from("ab_"), min_size=PAGES, max_size=PAGES),
)
def test_a_sweep_that_loads_becomes_a_program_that_is_accepted(step: str, fault: str, layout: list[str]) -> None:
    try:
        case = case_of(f"map: {''.join(layout)}\nsteps:\n- {{{step}, fault: {fault}, expect: {{result: 0}}}}\n")
    except CaseFileError:
        assume(False)  # noqa: FBT003  the steps that make no allocation
    trace = traced(compile_case(case))
    assert trace.trouble is None
    assert [execution.number for execution in trace.executions] == list(range(1, len(trace.executions) + 1))


def test_the_cases_that_lockproof_brings_along_become_programs_that_are_accepted() -> None:
    with model.make("posix").session() as session:
        able = [case for case in load().cases if unmet(case, session.info) is None]
        assert able
        refused = [
            f"{case.name}: {trace.trouble}"
            for case, trace in zip(able, session.run(map(compile_case, able)), strict=True)
            if trace.trouble is not None
        ]
    assert refused == []
