# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lockproof.conformance.judging.judge import judge, locks
from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.protocol.trace import Crash, Ended, SystemTrace, Trace
from tests.helpers import case_of, corpus, execution, snapshot, step, trace

if TYPE_CHECKING:
    from lockproof.conformance.protocol.trace import Change, Execution

REQUIREMENTS = corpus(
    "- {id: x, about: X., checks: [mlock.errors], map: a, call: observe, expect: {result: 0}}"
).requirements
HOLE = "map: aaa__bbb\nlocked: .L.__...\ncall: mlock\nrange: .^^^^^^.\nexpect: {result: ENOMEM, locked: unchanged}"


def judged(fields: str, *executions: Execution, modes: bool = True) -> Verdict:
    return judge(case_of(fields), trace(*executions), REQUIREMENTS, modes=modes)


def found(verdict: Verdict, besides: str = "") -> list[str]:
    """Return the findings of a FAIL, a line each; `besides`: the doubt that is said beside them."""
    assert verdict.status is Status.FAIL
    assert verdict.reason == (f"besides, {besides}" if besides else "")
    return [str(finding) for finding in verdict.findings]


def doubt(verdict: Verdict) -> str:
    """Return the reason of an UNRESOLVED."""
    assert verdict.status is Status.UNRESOLVED
    assert verdict.findings == ()
    return verdict.reason


PASS = Verdict(Status.PASS)


def test_a_trace_without_an_execution_proves_nothing() -> None:
    assert judged(HOLE) == Verdict(Status.UNRESOLVED, "nothing was executed")


def test_what_is_permitted_passes() -> None:
    assert judged(HOLE, execution(".L.__...", step(0, "ENOMEM", ".L.__..."))) == PASS


def test_a_page_that_became_locked_fails_with_page_requirement_and_source() -> None:
    verdict = judged(HOLE, execution(".L.__...", step(0, "ENOMEM", ".LL__...")))
    assert verdict == Verdict(
        Status.FAIL,
        findings=(
            Finding(
                requirement="mlock.no-change",
                source="POSIX, RETURN VALUE",
                modality=Modality.SHALL,
                aspect=Aspect.LOCKED,
                message="page 2 became locked",
                pages=(2,),
                step=0,
                execution=0,
                seen=".LL__...",
                permitted=".L.__...",
            ),
        ),
    )


def test_a_wrong_errno_is_charged_to_the_requirement_about_results() -> None:
    verdict = judged(HOLE, execution(".L.__...", step(0, "EINVAL", ".L.__...")))
    assert found(verdict) == ["mlock.errors: returned EINVAL, permitted ENOMEM"]
    assert verdict.findings[0].source == "POSIX, ERRORS"
    assert verdict.findings[0].aspect is Aspect.RESULT
    assert verdict.findings[0].seen is None


@pytest.mark.parametrize(
    ("after", "messages"),
    [
        ("...__...", ["page 1 became unlocked"]),
        ("LLL__LLL", ["pages 0, 2, 5 to 7 became locked"]),
        (".F.__...", ["page 1 locked on fault instead of at once"]),
        ("L..__...", ["page 0 became locked", "page 1 became unlocked"]),
        (".L._....", ["page 4 became mapped"]),
        (".L.____.", ["pages 5 to 6 became unmapped"]),
    ],
)
def test_every_change_of_a_lock_is_named(after: str, messages: list[str]) -> None:
    verdict = judged(HOLE, execution(".L.__...", step(0, "ENOMEM", after)))
    assert found(verdict) == [f"mlock.no-change: {message}" for message in messages]


@pytest.mark.parametrize(
    ("before", "after", "wanted", "message"),
    [
        (".", ".", "L", "page 0 stayed unlocked"),
        ("L", "L", ".", "page 0 stayed locked"),
        ("L", ".", "L", "page 0 became unlocked"),
        (".", "L", ".", "page 0 became locked"),
        (".", "F", "L", "page 0 locked on fault instead of at once"),
        (".", "L", "F", "page 0 locked at once instead of on fault"),
        (".", "_", "L", "page 0 became unmapped"),
        (".", ".", "_", "page 0 stayed mapped"),
    ],
)
def test_what_a_page_did_instead_is_said(before: str, after: str, wanted: str, message: str) -> None:
    fields = f"map: a\nlocked: {before}\ncall: mlock\nrange: ^\nexpect: {{result: 0, locked: {wanted}}}"
    assert found(judged(fields, execution(before, step(0, "0", after)))) == [f"mlock.no-change: {message}"]


def test_a_question_mark_permits_everything() -> None:
    fields = 'map: aaa\ncall: mlock\nrange: ^^^\nexpect: {result: any, locked: "??."}'
    assert judged(fields, execution("...", step(0, "EIO", "_F."))) == PASS
    assert judged(fields, execution("...", step(0, "EIO", "_FL"))).status is Status.FAIL


@pytest.mark.parametrize(("before", "after"), [((100, 0), (100, 3)), ((100, 5), (90, 8))])
def test_unchanged_includes_the_locks_elsewhere(before: tuple[int, int], after: tuple[int, int]) -> None:
    verdict = judged(
        HOLE,
        execution(snapshot(".L.__...", elsewhere=before), step(0, "ENOMEM", snapshot(".L.__...", elsewhere=after))),
    )
    assert found(verdict) == ["mlock.no-change: 3 pages outside the arena became locked"]


def test_mappings_elsewhere_may_come_and_go() -> None:
    now = snapshot(".L.__...", elsewhere=(107, 0))
    assert judged(HOLE, execution(".L.__...", step(0, "ENOMEM", now))) == PASS


@pytest.mark.parametrize(
    ("wanted", "now", "message"),
    [
        ("unchanged", (100, 4), "1 page outside the arena became unlocked"),
        ("all", (100, 99), "1 page outside the arena of 100 not locked"),
        ("none", (100, 2), "2 pages outside the arena locked"),
        ("all", (100, 100), None),
        ("none", (100, 0), None),
        ("any", (100, 50), None),
        ("unchanged", (120, 5), None),
    ],
)
def test_locks_elsewhere_are_judged_as_asked(wanted: str, now: tuple[int, int], message: str | None) -> None:
    fields = f"map: a\ncall: mlockall\nflags: CURRENT\nexpect: {{result: 0, elsewhere: {wanted}}}"
    verdict = judged(fields, execution(snapshot(".", elsewhere=(100, 5)), step(0, "0", snapshot("L", elsewhere=now))))
    if message is None:
        assert verdict == PASS
    else:
        assert found(verdict) == [f"mlock.no-change: {message}"]


@pytest.mark.parametrize("side", ["before", "after"])
def test_locks_elsewhere_that_were_not_seen_are_no_pass(side: str) -> None:
    blind, seeing = snapshot(".L.__...", elsewhere=None), snapshot(".L.__...")
    before, after = (blind, seeing) if side == "before" else (seeing, blind)
    verdict = judged(HOLE, execution(before, step(0, "ENOMEM", after)))
    assert doubt(verdict) == "locks outside the arena were not observed"


def test_observers_that_disagree_support_no_finding() -> None:
    after = snapshot({"smaps": ".LL__...", "msync": ".L.__..."})
    verdict = judged(HOLE, execution(".L.__...", step(0, "ENOMEM", after)))
    assert doubt(verdict) == ("the observers disagree after step 0, mlock: smaps says .LL__..., msync says .L.__...")


CALL_AND_LOOK = "map: a\nsteps: [{call: mlock, range: ^, expect: {result: 0}}, {call: observe, expect: {locked: L}}]"
DISAGREEING = snapshot({"smaps": "L", "msync": "."})
DISAGREE = "the observers disagree after step 1, observe: smaps says L, msync says ."


def test_what_was_found_before_a_doubt_stands_and_the_doubt_is_said_beside_it() -> None:
    verdict = judged(CALL_AND_LOOK, execution(".", step(0, "EIO", "."), step(1, "0", DISAGREEING)))
    assert found(verdict, DISAGREE) == ["mlock.errors: returned EIO, permitted 0"]


def test_what_comes_after_a_doubt_supports_nothing() -> None:
    fields = f"{CALL_AND_LOOK[:-1]}, {{call: munlock, range: ^, expect: {{result: 0}}}}]"
    steps = (step(0, "0", "L"), step(1, "0", DISAGREEING), step(2, "EIO", "L"))
    assert doubt(judged(fields, execution(".", *steps))) == DISAGREE


@pytest.mark.parametrize(
    ("ending", "doubt"),
    [
        (Ended.KILLED, "the process was killed from outside in step 1, observe"),
        (Ended.OOM, "the OOM killer ended the process in step 1, observe"),
        (Ended.TROUBLE, "the target could not go on in step 1, observe: fork: EAGAIN"),
        (Ended.HUNG, ""),
        (Ended.DIED, ""),
    ],
)
def test_the_steps_before_the_end_of_a_process_are_judged(ending: Ended, doubt: str) -> None:
    ended = execution(".", step(0, "EIO", "."), status=ending, signal="SIGBUS", at_step=1, reason="fork: EAGAIN")
    verdict = judged(CALL_AND_LOOK, ended)
    assert found(verdict, doubt)[0] == "mlock.errors: returned EIO, permitted 0"


def test_what_is_not_permitted_is_found_although_something_else_was_not_seen() -> None:
    fields = "checks: [mlock.errors, mlock.in-memory]\nmap: a\ncall: mlock\nrange: ^\nexpect: {result: 0, resident: R}"
    verdict = judged(fields, execution(".", step(0, "EIO", "L")))
    assert found(verdict, "residency was not observed") == ["mlock.errors: returned EIO, permitted 0"]
    assert doubt(judged(fields, execution(".", step(0, "0", "L")))) == "residency was not observed"


NOBODY = snapshot({})


def test_without_an_observer_results_are_judged() -> None:
    fields = "map: a\ncall: mlock\nrange: ^\nexpect: {result: 0}"
    assert judged(fields, execution(NOBODY, step(0, "0", NOBODY))) == PASS
    assert found(judged(fields, execution(NOBODY, step(0, "EPERM", NOBODY)))) == [
        "mlock.errors: returned EPERM, permitted 0"
    ]


@pytest.mark.parametrize("expect", ["locked: L", "locked: unchanged, elsewhere: any"])
def test_without_an_observer_nothing_is_said_of_locks(expect: str) -> None:
    fields = f"map: a\ncall: mlock\nrange: ^\nexpect: {{result: 0, {expect}}}"
    assert doubt(judged(fields, execution(NOBODY, step(0, "0", NOBODY)))) == "locks were not observed"
    assert found(judged(fields, execution(NOBODY, step(0, "EIO", NOBODY))), "locks were not observed") == [
        "mlock.errors: returned EIO, permitted 0"
    ]


def test_without_an_observer_locks_that_are_set_up_are_a_doubt() -> None:
    fields = "map: a\nlocked: L\ncall: munlock\nrange: ^\nexpect: {result: 0}"
    assert doubt(judged(fields, execution(NOBODY, step(0, "0", NOBODY)))) == "locks were not observed"


@pytest.mark.parametrize(
    ("mappings", "reason"),
    [
        ("|-||_|-", ""),
        ("||||_||", ""),  # locks split mappings
        ("|--|_|-", "set-up gave one mapping instead of two for a and b at page 2"),
        ("|---_|-", "set-up gave one mapping instead of two for a and b at page 2"),
        (None, ""),
    ],
)
def test_neighbours_that_are_one_mapping_are_a_doubt(mappings: str | None, reason: str) -> None:
    before = snapshot("...._..", mappings=mappings)
    verdict = judged(
        "map: aabc_aa\ncall: mlock\nrange: .^^....\nexpect: {result: 0}", execution(before, step(0, "0", ".LL._.."))
    )
    assert verdict == (Verdict(Status.UNRESOLVED, reason) if reason else PASS)


def test_observers_that_disagree_before_the_call_are_a_doubt() -> None:
    before = snapshot({"smaps": "L*5", "msync": "." * 5})
    verdict = judged(
        "map: aaaaa\ncall: mlock\nrange: ^*5\nexpect: {result: 0}", execution(before, step(0, "0", "....."))
    )
    assert doubt(verdict).startswith("the observers disagree before the first step: smaps says ")


def test_an_observer_that_knows_no_modes_agrees_with_one_that_does() -> None:
    seen = snapshot({"msync": "L.L", "smaps": "F.L"})
    assert locks(seen) == "F.L"
    assert locks(snapshot({"smaps": "F.L", "msync": "L.L"})) == "F.L"
    assert locks(snapshot({"smaps": "F.L", "msync": "L.."})) is None
    assert locks(snapshot({"smaps": "._", "msync": ".."})) is None


def test_an_outcome_may_be_one_of_several() -> None:
    fields = (
        "map: aaa\ncall: mlock\nrange: ^^^\n"
        "expect:\n- {result: 0, locked: LLL}\n- {result: [EAGAIN, ENOMEM], locked: unchanged}"
    )
    assert judged(fields, execution("...", step(0, "0", "LLL"))) == PASS
    assert judged(fields, execution("...", step(0, "EAGAIN", "..."))) == PASS
    assert judged(fields, execution("...", step(0, "ENOMEM", "..."))) == PASS


@pytest.mark.parametrize(
    ("result", "after", "findings"),
    [
        ("EAGAIN", "L..", ["mlock.no-change: page 0 became locked"]),
        ("0", "LL.", ["mlock.no-change: page 2 stayed unlocked"]),
        ("0", "...", ["mlock.no-change: pages 0 to 2 stayed unlocked"]),
        ("EAGAIN", "LLL", ["mlock.no-change: pages 0 to 2 became locked"]),
        ("EINVAL", "LL.",
         ["mlock.errors: returned EINVAL, permitted EAGAIN or ENOMEM", "mlock.no-change: pages 0 to 1 became locked"]),
        ("EINVAL", "L..",
         ["mlock.errors: returned EINVAL, permitted EAGAIN or ENOMEM", "mlock.no-change: page 0 became locked"]),
    ],
)  # fmt: skip
def test_findings_are_about_the_closest_outcome(result: str, after: str, findings: list[str]) -> None:
    fields = (
        "map: aaa\ncall: mlock\nrange: ^^^\n"
        "expect:\n- {result: 0, locked: LLL}\n- {result: [EAGAIN, ENOMEM], locked: unchanged}"
    )
    assert found(judged(fields, execution("...", step(0, result, after)))) == findings


def test_without_modes_a_lock_on_fault_is_a_lock() -> None:
    fields = "map: aa\nlocked: F.\ncall: mlock2\nrange: .^\nflags: ONFAULT\nexpect: {result: 0, locked: FF}"
    run = execution("L.", step(0, "0", "LL"))
    assert judged(fields, run, modes=False) == PASS
    assert doubt(judged(fields, run)) == "set-up gave the locks L. instead of F."
    assert found(judged(fields, execution("F.", step(0, "0", "FL")))) == [
        "mlock.no-change: page 1 locked at once instead of on fault"
    ]


RESIDENT = "checks: [mlock.in-memory]\nmap: aaaa_\ncall: mlock\nrange: ^^^^.\nexpect: {resident: R.R?_}"


@pytest.mark.parametrize(
    ("seen", "messages"),
    [
        ("R.R._", []),
        ("R.RR_", []),
        ("..R._", ["page 0 is not resident"]),
        ("....R", ["pages 0, 2 are not resident", "page 4 is mapped"]),
        ("RRR._", ["page 1 is resident"]),
        ("__R._", ["page 0 is not resident", "page 1 is resident"]),
    ],
)
def test_residency_is_judged_page_by_page(seen: str, messages: list[str]) -> None:
    verdict = judged(RESIDENT, execution("...._", step(0, "0", snapshot("...._", resident=seen))))
    if messages:
        assert found(verdict) == [f"mlock.in-memory: {message}" for message in messages]
        assert verdict.findings[0].seen == seen
        assert verdict.findings[0].permitted == "R.R?_"
    else:
        assert verdict == PASS


LAYOUT = "checks: [linux.layout]\nmap: aaaa\ncall: mlock\nrange: .^^.\nexpect: {mappings: unchanged, accounting: exact}"


def test_boundaries_of_mappings_that_moved_fail() -> None:
    verdict = judged(
        LAYOUT,
        execution(
            snapshot("....", mappings="|---", accounted=0),
            step(0, "0", snapshot("....", mappings="||-|", accounted=0)),
        ),
    )
    assert found(verdict) == ["linux.layout: 3 mappings instead of 1, boundaries changed at pages 1, 3"]
    assert verdict.findings[0].seen == "||-|"
    assert verdict.findings[0].permitted == "|---"


@pytest.mark.parametrize(
    ("accounted", "elsewhere", "message"),
    [
        (2, 0, None),
        (5, 3, None),
        (1, 0, "1 page counted as locked, 2 locked"),
        (0, 3, "0 pages counted as locked, 5 locked"),
    ],
)
def test_the_count_of_locked_memory_has_to_be_exact(accounted: int, elsewhere: int, message: str | None) -> None:
    verdict = judged(
        LAYOUT,
        execution(
            snapshot("....", mappings="|---", accounted=0, elsewhere=(9, elsewhere)),
            step(0, "0", snapshot(".LF.", mappings="|---", accounted=accounted, elsewhere=(9, elsewhere))),
        ),
    )
    if message is None:
        assert verdict == PASS
    else:
        assert found(verdict) == [f"linux.layout: {message}"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (RESIDENT, "residency was not observed"),
        (LAYOUT.replace("accounting: exact", "accounting: any"), "the boundaries of mappings were not observed"),
        (LAYOUT.replace("mappings: unchanged, ", ""), "the target's count of locked memory was not observed"),
    ],
)
def test_what_was_not_seen_is_no_pass(fields: str, reason: str) -> None:
    strip = "...._" if "_" in fields else "...."
    assert doubt(judged(fields, execution(strip, step(0, "0", strip)))) == reason


def test_a_set_up_that_is_not_as_described_is_a_doubt() -> None:
    verdict = judged(HOLE, execution("...__...", step(0, "ENOMEM", "...__...")))
    assert doubt(verdict) == "set-up gave the locks ...__... instead of .L.__..."


TWO_STEPS = (
    "map: aa\nsteps:\n- {call: munlock, range: ^.}\n- {call: mlock, range: .^, expect: {result: 0, locked: unchanged}}"
)


def test_a_preparing_step_that_fails_is_a_doubt() -> None:
    verdict = judged(TWO_STEPS, execution("..", step(0, "ENOMEM", ".."), step(1, "0", "..")))
    assert doubt(verdict) == "step 0, munlock, which prepares the next, gave ENOMEM"


def test_a_step_is_judged_against_what_was_before_it() -> None:
    assert judged(TWO_STEPS, execution("..", step(0, "0", "L."), step(1, "0", "L."))) == PASS
    verdict = judged(TWO_STEPS, execution("..", step(0, "0", "L."), step(1, "0", "..")))
    assert found(verdict) == ["mlock.no-change: page 0 became unlocked"]
    assert verdict.findings[0].step == 1


def test_a_step_that_was_not_reported_is_a_doubt() -> None:
    assert doubt(judged(TWO_STEPS, execution("..", step(0, "0", "..")))) == "step 1, mlock, was not reported"


def test_an_execution_without_a_first_snapshot_is_a_doubt() -> None:
    verdict = judged(HOLE, execution(None, step(0, "ENOMEM", ".L.__...")))
    assert doubt(verdict) == "the address space was not observed before the first step"


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ({"status": Ended.SETUP, "reason": "lock: ENOMEM"}, "set-up failed: lock: ENOMEM"),
        ({"status": Ended.KILLED, "at_step": 1}, "the process was killed from outside in step 1, mlock"),
        ({"status": Ended.KILLED, "at_step": -1}, "the process was killed from outside in its set-up"),
        ({"status": Ended.OOM, "at_step": 0}, "the OOM killer ended the process in step 0, munlock"),
        (
            {"status": Ended.TROUBLE, "at_step": 1, "reason": "exec: ENOENT"},
            "the target could not go on in step 1, mlock: exec: ENOENT",
        ),
        ({"status": Ended.HUNG, "at_step": -1}, "the process hung and was killed in its set-up"),
        ({"status": Ended.DIED, "signal": "SIGBUS", "at_step": -1}, "the process died of SIGBUS in its set-up"),
        ({"status": Ended.DIED, "signal": "SIGBUS"}, "the process died of SIGBUS in its set-up"),
    ],
)
def test_a_process_that_could_not_finish_is_a_doubt(ending: dict[str, Any], reason: str) -> None:
    assert doubt(judged(TWO_STEPS, execution("..", **ending))) == reason


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        ({"status": Ended.HUNG, "at_step": 1}, "the process hung and was killed in step 1, mlock"),
        ({"status": Ended.DIED, "signal": "SIGSEGV", "at_step": 0}, "the process died of SIGSEGV in step 0, munlock"),
    ],
)
def test_a_call_that_hangs_or_kills_fails(ending: dict[str, Any], message: str) -> None:
    verdict = judged(TWO_STEPS, execution("..", **ending))
    assert found(verdict) == [f"mlock.errors: {message}"]
    assert verdict.findings[0].step == ending["at_step"]


def test_trouble_with_the_target_is_a_doubt_that_takes_nothing_back() -> None:
    case = case_of(HOLE)
    right, wrong = (execution(".L.__...", step(0, "ENOMEM", after)) for after in (".L.__...", ".LL__..."))
    trouble = "the target died"
    assert judge(case, Trace((right,), trouble), REQUIREMENTS) == Verdict(Status.UNRESOLVED, trouble)
    verdict = judge(case, Trace((wrong,), trouble), REQUIREMENTS)
    assert (verdict.status, verdict.reason) == (Status.FAIL, f"besides, {trouble}")


OPEN = "checks: [mlock.open]\nmap: aa\ncall: mlock\nrange: ^^\nexpect: {result: 0, locked: LL}"


def test_what_is_unspecified_never_fails_and_is_recorded() -> None:
    verdict = judged(OPEN, execution("..", step(0, "EINVAL", "L.")))
    assert verdict.status is Status.PASS
    assert [str(finding) for finding in verdict.findings] == [
        "mlock.open: returned EINVAL, permitted 0",
        "mlock.open: page 1 stayed unlocked",
    ]


def test_a_hang_is_no_pass_even_where_everything_is_unspecified() -> None:
    verdict = judged(OPEN, execution("..", status=Ended.HUNG, at_step=0))
    assert doubt(verdict) == "the process hung and was killed in step 0, mlock"


def test_a_finding_that_binds_fails_beside_one_that_does_not() -> None:
    fields = OPEN.replace("[mlock.open]", "[mlock.open, mlock.errors]")
    verdict = judged(fields, execution("..", step(0, "EINVAL", "L.")))
    assert found(verdict) == ["mlock.errors: returned EINVAL, permitted 0", "mlock.open: page 1 stayed unlocked"]


SWEEP = (
    "map: aa\ncall: mlock\nrange: ^^\nfault: each-allocation\n"
    "expect: [{result: 0, locked: LL}, {result: EAGAIN, locked: unchanged}]"
)


def failed(number: int, after: str = "..") -> Execution:
    return execution("..", step(0, "EAGAIN", after, "failed"), number=number)


def ended(number: int, result: str = "0", after: str = "LL") -> Execution:
    return execution("..", step(0, result, after, "not-reached"), number=number)


def test_a_sweep_to_the_end_passes() -> None:
    assert judged(SWEEP, failed(1), failed(2), ended(3)) == PASS


def test_a_sweep_without_any_fault_is_untested() -> None:
    assert judged(SWEEP, ended(1)) == Verdict(Status.UNTESTED, "no allocation inside the call could be made to fail")


def test_a_sweep_with_a_gap_is_a_doubt() -> None:
    assert doubt(judged(SWEEP, failed(1), ended(3))) == "the sweep left out an allocation"
    assert doubt(judged(SWEEP, failed(2), ended(3))) == "the sweep left out an allocation"


def test_a_sweep_that_is_not_at_its_end_is_a_doubt() -> None:
    assert doubt(judged(SWEEP, failed(1), failed(2))) == (
        "the sweep ended at allocation 2, before the call had no more"
    )


def test_a_sweep_whose_last_call_fails_is_a_doubt() -> None:
    assert doubt(judged(SWEEP, failed(1), ended(2, "EAGAIN", ".."))) == (
        "without a fault the call failed too, with EAGAIN"
    )


FAILS_ANYWAY = (
    "map: a_\nlocked: ._\ncall: mlock\nrange: ^^\nfault: each-allocation\n"
    "expect: {result: [ENOMEM, EAGAIN], locked: unchanged}"
)


def test_a_sweep_whose_call_may_not_succeed_passes_where_it_fails_each_time() -> None:
    fails = execution("._", step(0, "EAGAIN", "._", "failed"), number=1)
    last = execution("._", step(0, "ENOMEM", "._", "not-reached"), number=2)
    assert judged(FAILS_ANYWAY, fails, last) == PASS
    assert judged(FAILS_ANYWAY, execution("._", step(0, "ENOMEM", "._", "not-reached"), number=1)) == PASS
    succeeds = execution("._", step(0, "0", "._", "not-reached"), number=2)
    assert found(judged(FAILS_ANYWAY, fails, succeeds)) == ["mlock.errors: returned 0, permitted ENOMEM or EAGAIN"]


def test_a_deviation_in_a_sweep_says_which_allocation_failed() -> None:
    verdict = judged(SWEEP, failed(1), failed(2, "L."), failed(3, "LL"), ended(4))
    assert found(verdict) == [
        "mlock.no-change: page 0 became locked when allocation 2 failed",
        "mlock.no-change: pages 0 to 1 became locked when allocation 3 failed",
    ]
    assert [finding.execution for finding in verdict.findings] == [2, 3]


STACK = ("should_failslab", "kmem_cache_alloc", "vm_area_dup", "__split_vma", "mlock_fixup")


def test_a_deviation_in_a_sweep_names_the_function_whose_allocation_failed() -> None:
    blamed = execution("..", step(0, "EAGAIN", "L.", "failed", STACK), number=2)
    name = "allocation 2 (vm_area_dup <- __split_vma)"
    assert found(judged(SWEEP, failed(1), blamed, ended(3))) == [
        f"mlock.no-change: page 0 became locked when {name} failed"
    ]
    persistent = SWEEP.replace("each-", "from-each-")
    assert found(judged(persistent, failed(1), blamed, ended(3))) == [
        f"mlock.no-change: page 0 became locked when {name} and all later ones failed"
    ]


def test_a_deviation_where_no_fault_was_reached_is_charged_to_none() -> None:
    assert found(judged(SWEEP, failed(1), ended(2, "0", "L."))) == ["mlock.no-change: page 1 stayed unlocked"]


def test_a_fault_that_was_absorbed_was_injected() -> None:
    absorbed = execution("..", step(0, "0", "LL", "absorbed"), number=1)
    assert judged(SWEEP, absorbed, ended(2)) == PASS
    unlocked = execution("..", step(0, "0", "L.", "absorbed"), number=1)
    assert found(judged(SWEEP, unlocked, ended(2))) == [
        "mlock.no-change: page 1 stayed unlocked when allocation 1 failed"
    ]


def test_a_doubt_in_one_execution_of_a_sweep_leaves_findings_in_others() -> None:
    disturbed = execution("..", status=Ended.KILLED, at_step=0, number=1)
    assert [finding.execution for finding in judged(SWEEP, disturbed, failed(2, "L.")).findings] == [2]
    assert (
        doubt(judged(SWEEP, disturbed, failed(2), ended(3))) == "the process was killed from outside in step 0, mlock"
    )


def test_a_process_that_dies_in_a_sweep_fails() -> None:
    died = execution("..", status=Ended.DIED, signal="SIGSEGV", at_step=0, number=2)
    verdict = judged(SWEEP, failed(1), died)
    assert found(verdict) == ["mlock.errors: the process died of SIGSEGV in step 0, mlock when allocation 2 failed"]
    assert verdict.findings[0].execution == 2


BUG = "BUG: KASAN: use-after-free in mlock_fixup+0x12/0x80"


def test_a_kernel_that_crashes_fails_the_case() -> None:
    crash = Crash("Kernel panic - not syncing: Fatal exception", ("Oops: 0002 [#1]",))
    verdict = judge(case_of(HOLE), trace(crash=crash), REQUIREMENTS)
    assert found(verdict) == ["mlock.errors: Kernel panic - not syncing: Fatal exception"]
    assert verdict.findings[0].step == -1


def test_a_kernel_that_logs_trouble_fails_the_case_also_where_it_did_what_it_should() -> None:
    kept = execution(".L.__...", step(0, "ENOMEM", ".L.__..."))
    verdict = judge(case_of(HOLE), trace(kept, log=("audit: hello", BUG, "Call Trace:")), REQUIREMENTS)
    assert found(verdict) == [f"mlock.errors: the kernel logged: {BUG}"]
    assert judge(case_of(HOLE), trace(kept, log=("page allocation failure: order:0",)), REQUIREMENTS) == PASS


def test_a_new_taint_fails_the_case_and_an_old_one_does_not() -> None:
    kept = execution(".L.__...", step(0, "ENOMEM", ".L.__..."))
    verdict = judge(case_of(HOLE), trace(kept, taint=(1, 513)), REQUIREMENTS)
    assert found(verdict) == ["mlock.errors: the kernel became tainted: kernel warned"]
    assert judge(case_of(HOLE), trace(kept, taint=(513, 1)), REQUIREMENTS) == PASS


def test_a_kernel_in_trouble_fails_whatever_the_requirement_and_before_any_doubt() -> None:
    disturbed = execution("..", status=Ended.KILLED, at_step=0)
    verdict = judge(case_of(OPEN), trace(disturbed, log=(BUG,)), REQUIREMENTS)
    assert verdict.status is Status.FAIL
    assert verdict.findings[0].modality is Modality.UNSPECIFIED


def test_what_a_kernel_in_trouble_did_to_locks_is_found_too() -> None:
    broke = execution(".L.__...", step(0, "ENOMEM", ".LL__..."))
    verdict = judge(case_of(HOLE), trace(broke, log=(BUG,)), REQUIREMENTS)
    assert found(verdict) == [
        f"mlock.errors: the kernel logged: {BUG}",
        "mlock.no-change: page 2 became locked",
    ]


SETTLE = (
    "checks: [quality.system]\nmap: a\ncall: settle\nclosing: true\nexpect: {mlocked: unchanged, vm-areas: unchanged}"
)


def settled(mlocked: Change | None, vm_areas: Change | None) -> Execution:
    return execution(".", replace(step(0, "0", "."), system=SystemTrace(mlocked, vm_areas)))


def test_what_a_settled_system_counts_has_to_be_what_it_was() -> None:
    assert judged(SETTLE, settled((3, 3), (300, 300)), settled((0, 0), (301, 301))) == PASS
    verdict = judged(SETTLE, settled((3, 3), (300, 300)), settled((3, 15), (300, 299)))
    assert found(verdict) == [
        "quality.system: the system counts 15 mlocked pages, 12 more than when the target was started",
        "quality.system: the system counts 299 mapping objects, 1 fewer than when the target was started",
    ]


def test_what_a_settled_system_counts_has_to_be_more_by_as_much_as_is_said() -> None:
    case = "checks: [quality.system]\nmap: a\ncall: settle\nexpect: {mlocked: 3}"
    assert judged(case, settled((3, 6), None)) == PASS
    for now, more in ((3, "0 more"), (7, "4 more"), (-2, "5 fewer")):
        assert found(judged(case, settled((3, now), None))) == [
            f"quality.system: the system counts {now} mlocked pages, {more} instead of 3 more than when the target was started"
        ]
    assert doubt(judged(case, settled(None, None))) == "the system's count of mlocked pages was not observed"


@pytest.mark.parametrize(
    ("mlocked", "vm_areas", "what"), [(None, (9, 9), "mlocked pages"), ((0, 0), None, "mapping objects")]
)
def test_what_the_system_does_not_tell_is_no_pass(mlocked: Change | None, vm_areas: Change | None, what: str) -> None:
    verdict = judged(SETTLE, settled((3, 3), (300, 300)), settled(mlocked, vm_areas))
    assert doubt(verdict) == f"the system's count of {what} was not observed"


def touched(page_faults: int | None) -> Execution:
    return execution(".", replace(step(0, "0", "."), page_faults=page_faults))


@pytest.mark.parametrize(
    ("wanted", "good", "bad", "message"),
    [("none", 0, 3, "the access took 3 page faults"), ("some", 1, 0, "the access took no page fault")],
)
def test_an_access_takes_page_faults_or_none(wanted: str, good: int, bad: int, message: str) -> None:
    case = f"checks: [linux.layout]\nmap: a\ncall: touch\nrange: ^\nexpect: {{page-faults: {wanted}}}"
    assert judged(case, touched(good)) == PASS
    assert found(judged(case, touched(bad))) == [f"linux.layout: {message}"]
    assert doubt(judged(case, touched(None))) == "page faults were not counted"


def test_a_settling_that_failed_is_no_pass() -> None:
    verdict = judged(SETTLE, execution(".", step(0, "EBUSY", ".")))
    assert doubt(verdict) == "the system's count of mapping objects was not observed"


RECLAIM = (
    "checks: [mlock.in-memory]\nmap: aaa\nlocked: .L.\nsteps:\n- {call: touch, range: ^^^}\n"
    "- {call: reclaim, expect: {resident: .R?}}"
)


def reclaimed(before: str | None, after: str | None) -> Execution:
    touched, taken = snapshot(".L.", resident=before), snapshot(".L.", resident=after)
    return execution(".L.", step(0, "0", touched), step(1, "0", taken))


def test_a_locked_page_stays_where_an_unlocked_one_goes() -> None:
    assert judged(RECLAIM, reclaimed("RRR", ".R.")) == PASS
    assert judged(RECLAIM, reclaimed("RRR", ".RR")) == PASS
    assert found(judged(RECLAIM, reclaimed("RRR", "..."))) == ["mlock.in-memory: page 1 is not resident"]


def test_where_nothing_was_taken_nothing_is_shown_and_nobody_accused() -> None:
    stayed = "step 1, reclaim, did not take page 0, so that it says nothing about the others"
    assert doubt(judged(RECLAIM, reclaimed("RRR", "RRR"))) == stayed
    assert doubt(judged(RECLAIM, reclaimed(".RR", ".R."))) == (
        "step 1, reclaim, took nothing: no page that may go was there before"
    )
    assert doubt(judged(RECLAIM, reclaimed("RRR", None))) == "residency was not observed"
    verdict = judged(RECLAIM, reclaimed("RRR", "R.R"))
    assert found(verdict, besides=stayed) == ["mlock.in-memory: page 1 is not resident"]


FORK = (
    "map: aa\nlocked: L.\nsteps:\n"
    "- {call: mlock, range: .^}\n"
    "- call: fork\n"
    "  child:\n"
    '  - {call: observe, expect: {locked: ".."}}\n'
    "  - {call: mlock, range: ^., expect: {result: 0, locked: L.}}\n"
    "  expect: {result: 0, locked: unchanged}\n"
    "- {call: munlock, range: ^., expect: {result: 0, locked: .L}}"
)


def test_of_a_fork_that_was_made_to_fail_the_parent_alone_is_judged() -> None:
    fields = (
        'map: aa\nlocked: L.\ncall: fork\nfault: each-allocation\nchild:\n- {call: observe, expect: {result: 0, locked: ".."}}\n'
        "expect:\n- {result: 0, locked: unchanged}\n- {result: ENOMEM, locked: unchanged}"
    )
    made = execution("L.", step(1, "0", ".."), step(0, "0", "L.", fault="not-reached"), number=2)
    failed = execution("L.", step(0, "ENOMEM", "L.", fault="failed"), number=1)
    lost = execution("L.", step(0, "ENOMEM", "..", fault="failed"), number=1)
    assert judged(fields, failed, made) == PASS
    assert [finding.pages for finding in judged(fields, lost, made).findings] == [(0,)]
    unseen = execution("L.", step(0, "0", "L.", fault="not-reached"), number=2)
    assert doubt(judged(fields, failed, unseen)) == "step 1, observe, was not reported"


def test_a_child_is_judged_from_the_fork_and_the_parent_from_before_it() -> None:
    steps = (step(0, "0", "LL"), step(2, "0", ".."), step(3, "0", "L."), step(1, "0", "LL"), step(4, "0", ".L"))
    assert judged(FORK, execution("L.", *steps)) == PASS


def test_unchanged_in_a_child_means_as_after_its_step_before() -> None:
    fields = (
        "map: aa\nlocked: L.\ncall: fork\nchild:\n- {call: observe}\n"
        "- {call: mlock, range: ^^, expect: {result: ENOMEM, locked: unchanged}}\nexpect: {result: 0}"
    )
    parent = step(0, "0", "L.")
    assert judged(fields, execution("L.", step(1, "0", ".."), step(2, "ENOMEM", ".."), parent)) == PASS
    verdict = judged(fields, execution("L.", step(1, "0", ".."), step(2, "ENOMEM", "L."), parent))
    assert found(verdict) == ["mlock.no-change: page 0 became locked"]
    assert verdict.findings[0].step == 2


def test_what_a_child_does_does_not_excuse_the_parent() -> None:
    steps = (step(0, "0", "LL"), step(2, "0", ".."), step(3, "0", "L."), step(1, "0", "L."), step(4, "0", ".."))
    verdict = judged(FORK, execution("L.", *steps))
    assert found(verdict) == ["mlock.no-change: page 1 became unlocked", "mlock.no-change: page 1 stayed unlocked"]
    assert [finding.step for finding in verdict.findings] == [1, 4]


def test_a_child_step_that_was_not_reported_is_a_doubt() -> None:
    steps = (step(0, "0", "LL"), step(2, "0", ".."), step(1, "0", "LL"), step(4, "0", ".L"))
    assert doubt(judged(FORK, execution("L.", *steps))) == "step 3, mlock, was not reported"


def test_a_sweep_in_a_child_has_to_reach_its_end_too() -> None:
    fields = (
        "map: aa\ncall: fork\nchild:\n- {call: observe}\n"
        "- {call: mlock, range: ^^, fault: each-allocation, expect: [{result: 0}, {result: EAGAIN, locked: unchanged}]}\n"
        "expect: {result: 0}"
    )

    def child(number: int, result: str, fault: str) -> Execution:
        return execution("..", step(1, "0", ".."), step(2, result, "..", fault), step(0, "0", ".."), number=number)

    assert judged(fields, child(1, "EAGAIN", "failed"), child(2, "0", "not-reached")) == PASS
    assert judged(fields, child(1, "0", "not-reached")).status is Status.UNTESTED
    assert doubt(judged(fields, child(1, "EAGAIN", "failed"))) == (
        "the sweep ended at allocation 1, before the call had no more"
    )
