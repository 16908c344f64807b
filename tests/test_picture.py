# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from textwrap import dedent

from lockproof.conformance.judge import judge
from lockproof.conformance.picture import picture, summary
from lockproof.conformance.requirements import Aspect
from lockproof.conformance.trace import Ended, Trace
from lockproof.conformance.verdict import Status, Verdict
from tests.helpers import case_of, corpus, execution, snapshot, step, target_info, trace

REQUIREMENTS = corpus(
    "- {id: x, about: X., checks: [mlock.errors], map: a, call: observe, expect: {result: 0}}"
).requirements


def drawn(fields: str, seen: Trace) -> str:
    case = case_of(fields)
    return picture(case, seen, judge(case, seen, REQUIREMENTS), target_info())


def shown(text: str) -> str:
    return dedent(text).strip("\n")


HOLE = "map: aaa__bbb\nlocked: .L.__...\ncall: mlock\nrange: .^^^^^^.\nexpect: {result: ENOMEM, locked: unchanged}"


def test_a_failure_is_a_picture() -> None:
    assert drawn(HOLE, trace(execution(".L.__...", step(0, "ENOMEM", ".LL__...")))) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aaa__bbb
          before    .L.__...
          mlock      ^^^^^^             → -1 ENOMEM
          after     .LL__...            page 2 became locked
          permitted .L.__...            mlock.no-change (POSIX, RETURN VALUE)
    """)


def test_findings_of_several_kinds_stand_below_each_other() -> None:
    seen = trace(execution(".L.__...", step(0, "EINVAL", "L..__...")))
    assert drawn(HOLE, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aaa__bbb
          before    .L.__...
          mlock      ^^^^^^             → -1 EINVAL
          after     L..__...            page 0 became locked; page 1 became unlocked
          permitted ENOMEM              mlock.errors (POSIX, ERRORS)
          permitted .L.__...            mlock.no-change (POSIX, RETURN VALUE)
    """)


def test_a_long_strip_has_run_lengths() -> None:
    fields = "map: a*500_b*499\nlocked: L*500_.*499\ncall: mlock\nrange: .^*998.\nexpect: {result: ENOMEM, locked: unchanged}"
    before, after = "L" * 500 + "_" + "." * 499, "L" * 500 + "_" + "L" * 100 + "." * 399
    seen = trace(execution(before, step(0, "ENOMEM", after)))
    assert drawn(fields, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       a*500_b*499
          before    L*500_.*499
          mlock     .^*998.             → -1 ENOMEM
          after     L*500_L*100.*399    pages 501 to 600 became locked
          permitted L*500_.*499         mlock.no-change (POSIX, RETURN VALUE)
    """)


def test_the_steps_of_a_child_stand_below_the_fork() -> None:
    fields = (
        "map: aa\nlocked: L.\nsteps:\n- call: fork\n  child:\n"
        '  - {call: observe, expect: {locked: ".."}}\n  - {call: mlock, range: ^.}\n'
        "  expect: {result: 0, locked: unchanged}\n"
        "- {call: munlock, range: ^., expect: {result: 0}}"
    )
    seen = trace(execution("L.", step(1, "0", "L."), step(2, "0", "L."), step(0, "0", "L."), step(3, "0", "..")))
    assert drawn(fields, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aa
          before    L.
          fork                          → 0
          child: observe                → 0
          after     L.                  page 0 stayed locked
          permitted ..                  mlock.no-change (POSIX, RETURN VALUE)
          child: mlock ^                → 0
          after     L.
          after     L.
          munlock   ^                   → 0
          after     ..
    """)


SWEEP = (
    "map: aa\ncall: mlock\nrange: ^^\nfault: each-allocation\n"
    "expect: [{result: 0, locked: LL}, {result: EAGAIN, locked: unchanged}]"
)


def test_of_a_sweep_the_first_execution_that_deviates_is_drawn() -> None:
    seen = trace(
        execution("..", step(0, "EAGAIN", "..", "injected"), number=1),
        execution("..", step(0, "EAGAIN", "L.", "injected"), number=2),
        execution("..", step(0, "EAGAIN", "L.", "injected"), number=3),
        execution("..", step(0, "0", "LL", "not-reached"), number=4),
    )
    assert drawn(SWEEP, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aa
          fault     allocation 2 inside the call fails
          before    ..
          mlock     ^^                  → -1 EAGAIN
          after     L.                  page 0 became locked
          permitted ..                  mlock.no-change (POSIX, RETURN VALUE)
          and       1 more finding in other executions of the sweep
    """)


def test_a_process_that_died_has_a_picture_without_an_after() -> None:
    seen = trace(execution(".L.__...", status=Ended.DIED, signal="SIGSEGV", at_step=0))
    assert drawn(HOLE, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aaa__bbb
          before    .L.__...
          mlock      ^^^^^^             → not made
                                        the process died of SIGSEGV in step 0, mlock
          permitted                     mlock.errors (POSIX, ERRORS)
    """)


def test_the_setting_is_part_of_the_picture() -> None:
    fields = (
        "map: aaabc\nregions: {a: {kind: file, file-pages: 2, share: shared, protection: r, guard: .G.}, "
        "b: {kind: file, alias: a}}\n"
        "limits: {memlock: 4p, mappings: 1}\nas: unprivileged\n"
        "call: msync\nrange: {pages: ^^..., start: 100, end: -1, length: 2p}\nflags: [ASYNC, INVALIDATE]\nexpect: {result: 0}"
    )
    seen = trace(execution(".....", step(0, "EBUSY", ".....")))
    assert drawn(fields, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aaabc
            a       file, shared, protection r, 2 pages long, guard pages .G.
            b       file, the object of a
          limit     RLIMIT_MEMLOCK 4p
          limit     room for 1 more mapping
          as        unprivileged
          before    .....
          msync     ^^    from +100 to -1 length 2p ASYNC,INVALIDATE → -1 EBUSY
          after     .....
          permitted 0                   mlock.errors (POSIX, ERRORS)
    """)


def test_what_observers_say_is_drawn_where_they_disagree() -> None:
    seen = trace(execution(".L.__...", step(0, "ENOMEM", snapshot({"smaps": ".LL__...", "msync": ".L.__..."}))))
    assert drawn(HOLE, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   UNRESOLVED
          reason    the observers disagree after step 0, mlock: smaps says .LL__..., msync says .L.__...
          map       aaa__bbb
          before    .L.__...
          mlock      ^^^^^^             → -1 ENOMEM
          after     .LL__... (smaps), .L.__... (msync)
    """)


def test_residency_is_drawn_where_it_deviates() -> None:
    fields = "checks: [mlock.in-memory]\nmap: aa\ncall: mlock\nrange: ^^\nexpect: {resident: RR}"
    assert drawn(fields, trace(execution("..", step(0, "0", snapshot("LL", resident="R."))))) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aa
          before    ..
          mlock     ^^                  → 0
          after     LL
          resident  R.                  page 1 is not resident
          permitted RR                  mlock.in-memory (POSIX, DESCRIPTION)
    """)


def test_a_case_that_did_not_run_has_its_reason() -> None:
    verdict = Verdict(Status.UNTESTED, "needs CAP_IPC_LOCK; run as root")
    assert picture(case_of(HOLE), Trace(()), verdict, target_info(page_size=16384)) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 16 KiB pages                                  UNTESTED
          reason    needs CAP_IPC_LOCK; run as root
          map       aaa__bbb
    """)


def test_a_summary_is_one_line_with_the_strips() -> None:
    verdict = judge(case_of(HOLE), trace(execution(".L.__...", step(0, "ENOMEM", ".LL__..."))), REQUIREMENTS)
    assert summary(verdict) == "mlock.no-change: after .LL__... permitted .L.__... (page 2 became locked)"
    verdict = judge(case_of(HOLE), trace(execution(".L.__...", step(0, "EINVAL", ".L.__..."))), REQUIREMENTS)
    assert verdict.findings[0].aspect is Aspect.RESULT
    assert summary(verdict) == "mlock.errors: returned EINVAL, permitted ENOMEM"
    assert summary(Verdict(Status.UNTESTED, "why")) == "why"
    assert summary(Verdict(Status.PASS)) == ""
