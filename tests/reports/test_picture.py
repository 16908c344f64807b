# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from textwrap import dedent

from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.conformance.language.requirements import Aspect
from lockproof.conformance.protocol.trace import Crash, Ended, Trace
from lockproof.conformance.reports.picture import picture
from lockproof.conformance.reports.words import summary
from tests.helpers import case_of, corpus, execution, snapshot, step, target_info, trace

REQUIREMENTS = corpus(
    "- {id: x, about: X., checks: [mlock.errors], map: a, call: observe, expect: {result: 0}}"
).requirements


def drawn(fields: str, seen: Trace) -> str:
    case = case_of(fields)
    return str(picture(case, seen, judge(case, seen, REQUIREMENTS), target_info()))


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
        execution("..", step(0, "EAGAIN", "..", "failed"), number=1),
        execution("..", step(0, "EAGAIN", "L.", "failed"), number=2),
        execution("..", step(0, "EAGAIN", "L.", "failed"), number=3),
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
          sweep     n       result     fault        locks after  allocation
                    1       -1 EAGAIN  failed       ..
          breaks    2 to 3  -1 EAGAIN  failed       L.
                    4       0          not reached  LL
    """)


def test_the_table_of_a_sweep_names_the_functions_whose_allocations_failed() -> None:
    dup = ("should_failslab", "kmem_cache_alloc", "vm_area_dup", "__split_vma", "mlock_fixup")
    page = ("should_fail_alloc_page", "__alloc_pages", "__folio_alloc", "__handle_mm_fault", "handle_mm_fault")
    seen = trace(
        execution("..", step(0, "EAGAIN", "..", "failed", dup), number=1),
        execution("..", step(0, "EAGAIN", "..", "failed", dup), number=2),
        execution("..", step(0, "EAGAIN", "LL", "failed", dup), number=3),
        execution("..", step(0, "0", "LL", "absorbed", page), number=4),
        execution("..", step(0, "0", "LL", "not-reached"), number=5),
    )
    assert drawn(SWEEP.replace("each-", "from-each-"), seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aa
          fault     allocation 3 and all later ones inside the call fail: vm_area_dup <- __split_vma
          before    ..
          mlock     ^^                  → -1 EAGAIN
          after     LL                  pages 0 to 1 became locked
          permitted ..                  mlock.no-change (POSIX, RETURN VALUE)
          sweep     n       result     fault        locks after  allocation
                    1 to 2  -1 EAGAIN  failed       ..           vm_area_dup <- __split_vma
          breaks    3       -1 EAGAIN  failed       LL           vm_area_dup <- __split_vma
                    4       0          absorbed     LL           __handle_mm_fault <- handle_mm_fault
                    5       0          not reached  LL
    """)


def test_a_deviation_without_a_fault_says_that_nothing_failed() -> None:
    seen = trace(
        execution("..", step(0, "EAGAIN", "..", "failed"), number=1),
        execution("..", step(0, "0", "L.", "not-reached"), number=2),
    )
    assert "  fault     none: the call has no allocation 2\n" in drawn(SWEEP, seen)


def test_of_a_long_sweep_the_table_shows_what_breaks_the_promise() -> None:
    results = ["EAGAIN", "ENOMEM"] * 50
    seen = trace(
        *(
            execution("..", step(0, result, "L." if number in {40, 90} else "..", "failed"), number=number)
            for number, result in enumerate(results, 1)
        )
    )
    picture = drawn(SWEEP.replace("result: EAGAIN", "result: [EAGAIN, ENOMEM]"), seen).splitlines()
    assert [line for line in picture if line.startswith("  breaks")] == [
        "  breaks    40  -1 ENOMEM  failed  L.",
        "  breaks    90  -1 ENOMEM  failed  L.",
    ]
    assert picture[-1] == "            … 98 more lines of this table; the whole trace is in results.jsonl"


def test_what_a_broken_kernel_said_is_part_of_the_picture() -> None:
    log = (
        "------------[ cut here ]------------",
        "WARNING: CPU: 0 PID: 9 at mm/mlock.c:12 mlock_fixup+0x1/0x2",
        "RIP: 0010",
    )
    seen = trace(execution(".L.__...", step(0, "ENOMEM", ".L.__...")), log=("audit: hello", *log))
    assert drawn(HOLE, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aaa__bbb
          before    .L.__...
          mlock      ^^^^^^             → -1 ENOMEM
          after     .L.__...
          kernel    the kernel logged: WARNING: CPU: 0 PID: 9 at mm/mlock.c:12 mlock_fixup+0x1/0x2
                    ------------[ cut here ]------------
                    WARNING: CPU: 0 PID: 9 at mm/mlock.c:12 mlock_fixup+0x1/0x2
                    RIP: 0010
    """)


def test_a_kernel_that_crashed_has_a_picture_without_a_call() -> None:
    seen = trace(
        crash=Crash(
            "Kernel panic - not syncing: sysrq triggered crash",
            ("sysrq: Trigger a crash", "Kernel panic - not syncing: sysrq triggered crash"),
        )
    )
    assert drawn(HOLE, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aaa__bbb
          kernel    Kernel panic - not syncing: sysrq triggered crash
                    Kernel panic - not syncing: sysrq triggered crash
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


def test_a_long_strip_is_short_wherever_it_stands() -> None:
    guard = ".G" * 150
    fields = f"map: a*300\nregions: {{a: {{guard: {guard}}}}}\ncall: mlock\nrange: ^*300\nexpect: {{result: 0}}"
    long = "." * 300
    assert max(map(len, drawn(fields, trace(execution(long, step(0, "EBUSY", long)))).splitlines())) < 700
    fields = fields.replace(guard, f"{'.' * 100}{'G' * 100}{'.' * 100}")
    assert max(map(len, drawn(fields, trace(execution(long, step(0, "EBUSY", long)))).splitlines())) <= 100


def test_the_setting_is_part_of_the_picture() -> None:
    fields = (
        "map: aaabc\nregions: {a: {kind: file, file-pages: 2, share: shared, protection: r, guard: .G.}, "
        "b: {kind: file, alias: a, huge: never}}\n"
        "limits: {memlock: 4p, mappings: 1, memory: 200}\nas: unprivileged\n"
        "call: msync\nrange: {pages: ^^..., start: 100, end: -1, length: 2p}\nflags: [ASYNC, INVALIDATE]\nexpect: {result: 0}"
    )
    seen = trace(execution(".....", step(0, "EBUSY", ".....")))
    assert drawn(fields, seen) == shown("""
        folder/leaf on Linux 6.12.107 x86_64, 4 KiB pages                                   FAIL
          map       aaabc
            a       file, shared, protection r, 2 pages long, guard pages .G.
            b       file, the object of a, huge pages never
          limit     RLIMIT_MEMLOCK 4p
          limit     room for 1 more mapping
          limit     memory for about 200 more pages
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
    assert str(picture(case_of(HOLE), Trace(()), verdict, target_info(page_size=16384))) == shown("""
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
