# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.runners.target import SystemCounts
from tests.helpers import case_of, target_info

MLOCK = "map: aaa\ncall: mlock\nrange: ^^^\nexpect: {result: 0}"
LIMITED = "map: aaa\nlimits: {memlock: 4p}\ncall: mlock\nrange: ^^^\nexpect: {result: 0}"
SETTLE = (
    "checks: [quality.system]\nmap: a\ncall: settle\nclosing: true\nexpect: {mlocked: unchanged, vm-areas: unchanged}"
)
RECLAIM = (
    "checks: [mlock.in-memory]\nmap: aab\nregions: {b: {kind: file}}\nlocked: L..\ncall: reclaim\n"
    "expect: {resident: R..}"
)
POOR: dict[str, Any] = {"privileged": False, "memlock": 8192}


def said(verdict: Verdict | None) -> tuple[Status, str] | None:
    return None if verdict is None else (verdict.status, verdict.reason)


def test_a_target_that_can_do_everything_runs_every_case() -> None:
    assert unmet(case_of(MLOCK), target_info()) is None


@pytest.mark.parametrize(
    ("fields", "lacks", "reason"),
    [
        (MLOCK, {"calls": ("mmap", "mlockall", "munlockall")}, "the target has no mlock"),
        (
            "map: a\nlocked: L\ncall: munlockall\nexpect: {result: 0}",
            {"calls": ("mmap", "mlockall", "munlockall")},
            "the target has no mlock",
        ),
        ("map: a\ncall: munlockall\nexpect: {result: 0}", {"calls": ("mmap", "mlock")}, "the target has no munlockall"),
        (
            "map: a\ncall: fork\nchild: [{call: msync, range: ^, flags: SYNC}]\nexpect: {result: 0}",
            {"calls": ("mmap", "fork")},
            "the target has no msync",
        ),
        (
            f"locked: F..\n{MLOCK}",
            {"calls": ("mmap", "mlock")},
            "the target has no mlock2, so no lock on fault",
        ),
        (
            "map: a\ncall: mlockall\nflags: [FUTURE, ONFAULT]\nexpect: {result: 0}",
            {"calls": ("mmap", "mlockall")},
            "the target has no MCL_ONFAULT, so no lock on fault",
        ),
        (
            f"regions: {{a: {{kind: secretmem}}}}\n{MLOCK}",
            {"kinds": ("anonymous",)},
            "the target gives no secretmem memory (region a)",
        ),
        (
            "regions: {z: {kind: shm}}\nmap: a\ncall: mmap\nregion: z\nrange: ^\nexpect: {result: 0}",
            {"kinds": ("anonymous",)},
            "the target gives no shm memory (region z)",
        ),
        (
            f"regions: {{a: {{kind: hugetlb}}}}\n{MLOCK}",
            {"kinds": ("anonymous",), "refused": {"hugetlb": "ENOMEM"}, "huge_page": 1},
            "the target gives no hugetlb memory (region a): ENOMEM",
        ),
        (
            f"regions: {{a: {{kind: sysv}}}}\n{MLOCK}",
            {"kinds": ("anonymous",), "refused": {"sysv": "ENOSYS"}},
            "the target gives no sysv memory (region a): ENOSYS",
        ),
    ],
)
def test_an_optional_feature_that_is_not_there_is_unsupported(fields: str, lacks: dict[str, Any], reason: str) -> None:
    case = case_of(fields)
    assert said(unmet(case, target_info(**lacks))) == (Status.UNSUPPORTED, reason)
    assert unmet(case, target_info(huge_page=1)) is None


@pytest.mark.parametrize(
    ("fields", "calls"),
    [
        (MLOCK, ("mmap", "munlock")),
        ("map: a\ncall: munlock\nrange: ^\nexpect: {result: 0}", ("mmap", "mlock")),
        ("map: a\ncall: mlockall\nflags: CURRENT\nexpect: {result: 0}", ("mmap", "munlockall")),
        ("map: a\ncall: munlockall\nexpect: {result: 0}", ("mmap", "mlockall")),
    ],
)
def test_half_of_an_option_of_posix_is_no_option_that_is_missing(fields: str, calls: tuple[str, ...]) -> None:
    assert unmet(case_of(fields), target_info(calls=calls)) is None


def test_mcl_onfault_needs_no_mlock2() -> None:
    case = case_of("map: a\ncall: mlockall\nflags: [FUTURE, ONFAULT]\nexpect: {result: 0}")
    assert unmet(case, target_info(calls=("mmap", "mlockall", "munlockall"), mcl_onfault=True)) is None


@pytest.mark.parametrize(
    ("fields", "lacks", "reason"),
    [
        (
            MLOCK,
            {"calls": ("mmap", "munlock"), "trouble": {"mlock": "died of SIGSYS"}},
            "the trial of mlock died of SIGSYS",
        ),
        (
            "map: aa\nlocked: L.\ncall: munlockall\nexpect: {result: 0}",
            {"calls": ("mmap", "munlock", "munlockall"), "trouble": {"mlock": "hung"}},
            "the trial of mlock hung",
        ),
        (
            "map: aa\nlocked: F.\ncall: munlockall\nexpect: {result: 0}",
            {"calls": ("mmap", "mlock", "munlockall"), "trouble": {"mlock2": "hung"}},
            "the trial of mlock2 hung",
        ),
        (
            "map: a\ncall: mlockall\nflags: [FUTURE, ONFAULT]\nexpect: {result: 0}",
            {"calls": ("mmap", "mlockall"), "trouble": {"mcl_onfault": "hung"}},
            "the trial of mcl_onfault hung",
        ),
        (
            MLOCK,
            {
                "calls": (),
                "kinds": (),
                "trouble": dict.fromkeys(("mlock", "mmap"), "could not be started, fork gave EAGAIN"),
            },
            "the trial of mlock could not be started, fork gave EAGAIN",
        ),
        (MLOCK, {"calls": ("mlock", "munlock")}, "the target has no mmap, without which nothing can be tried"),
        (
            MLOCK,
            {"kinds": (), "refused": {"anonymous": "ENOMEM"}},
            "the trial of anonymous gave ENOMEM",
        ),
        (
            f"regions: {{a: {{kind: file}}}}\n{MLOCK}",
            {"kinds": ("anonymous",), "refused": {"file": "EMFILE"}},
            "the trial of file gave EMFILE",
        ),
        (
            f"locked: L..\n{MLOCK}",
            {"lock_observers": (), "trouble": {"msync-invalidate": "died of SIGSYS"}},
            "the trial of msync-invalidate died of SIGSYS",
        ),
        (
            f"locked: L..\n{MLOCK}",
            {"lock_observers": (), "refused": {"smaps": "EMFILE"}},
            "the trial of smaps gave EMFILE",
        ),
        (
            "checks: [mlock.in-memory]\nmap: a\ncall: mlock\nrange: ^\nexpect: {resident: R}",
            {"residency": None, "trouble": {"residency": "found that mincore and pagemap disagree"}},
            "the trial of residency found that mincore and pagemap disagree",
        ),
        (
            f"fault: each-allocation\n{MLOCK}",
            {"faults": {}, "trouble": {"each-allocation": "hung"}},
            "the trial of each-allocation hung",
        ),
        (
            f"as: privileged\n{MLOCK}",
            {"privileged": False, "trouble": {"privileged": "died of SIGSYS"}},
            "the trial of privileged died of SIGSYS",
        ),
    ],
)
def test_what_a_trial_could_not_find_out_is_unresolved(fields: str, lacks: dict[str, Any], reason: str) -> None:
    case = case_of(fields)
    assert said(unmet(case, target_info(**lacks))) == (Status.UNRESOLVED, reason)
    assert unmet(case, target_info()) is None


def test_secret_memory_that_the_limit_refuses_is_untested() -> None:
    verdict = unmet(
        case_of(f"regions: {{a: {{kind: secretmem}}}}\n{MLOCK}"),
        target_info(kinds=("anonymous",), refused={"secretmem": "EAGAIN"}),
    )
    reason = "the target gives no secretmem memory (region a): EAGAIN; raise RLIMIT_MEMLOCK with ulimit -l"
    assert said(verdict) == (Status.UNTESTED, reason)


@pytest.mark.parametrize(
    ("fields", "lacks", "reason"),
    [
        (
            f"fault: each-allocation\n{MLOCK}",
            {"faults": {"from-each-allocation": "make-it-fail"}},
            (
                "the target offers no way to make its allocations fail (on Linux: a kernel with CONFIG_FAULT_INJECTION; "
                "lockproof kernel build debian/6.1 --fault-injection makes one)"
            ),
        ),
        (
            f"fault: from-each-allocation\n{MLOCK}",
            {"faults": {"each-allocation": "fail-nth"}},
            (
                "the target offers no way to make all allocations from one on fail "
                "(on Linux: root, and a kernel with CONFIG_FAULT_INJECTION_DEBUG_FS; "
                "lockproof kernel build debian/6.1 --fault-injection makes one)"
            ),
        ),
        (
            f"fault: each-slab-allocation\n{MLOCK}",
            {"faults": {"each-allocation": "fail-nth"}},
            (
                "the target offers no way to make slab objects or pages alone fail "
                "(on Linux: root, and a kernel with CONFIG_FAULT_INJECTION_DEBUG_FS; "
                "lockproof kernel build debian/6.1 --fault-injection makes one)"
            ),
        ),
        (
            f"limits: {{memory: 200}}\n{MLOCK}",
            {"faults": {"each-allocation": "fail-nth"}},
            "the target offers no way to let its memory run out (on Linux: root, and a root cgroup that hands the memory controller on)",
        ),
        (
            SETTLE,
            {"alone": False, "counts": None},
            "the target has no kernel to itself whose counts would tell (qemu has)",
        ),
        (
            RECLAIM,
            {"reclaim": ("anonymous",)},
            (
                "the target gives no way to take file memory from a process (on Linux: root, a root cgroup that hands the "
                "memory controller on, and swap)"
            ),
        ),
        (SETTLE, {"counts": None}, "the target does not tell how much mlocked memory it counts (Mlocked)"),
        (
            SETTLE,
            {"counts": SystemCounts(mlocked=0, vm_areas=None)},
            "the target does not tell how many objects for mappings it has (on Linux: slabinfo, CONFIG_SLUB_DEBUG)",
        ),
        (
            "map: aaa\ncall: mlock\nrange: {pages: .^., length: -1}\nexpect: {locked: unchanged}",
            {"wraps": False},
            "the kernel computes addresses in 64 bits: no range of a 32-bit process wraps",
        ),
        (
            "map: aaa\ncall: mlock\nrange: {pages: .^., length: 4294967296p}\nexpect: {locked: unchanged}",
            {"bits": 32},
            "a length of 4294967296p does not fit into the 32 bits of an address",
        ),
        (
            f"regions: {{a: {{guard: .G.}}}}\n{MLOCK}",
            {"guard": False},
            "the target has no guard pages (MADV_GUARD_INSTALL, Linux 6.13)",
        ),
        (f"as: privileged\n{MLOCK}", {"privileged": False}, "needs CAP_IPC_LOCK; run as root"),
        (
            "map: a*1024\ncall: mlock\nrange: ^*1024\nregions: {a: {kind: hugetlb}}\nexpect: {result: 0}",
            {"huge_page": 2048},
            "a huge page has 2048 pages here, of which the case maps only a part",
        ),
        (
            f"limits: {{mappings: 0}}\n{MLOCK}",
            {"max_map_count": None},
            "the target has no known limit on the number of mappings",
        ),
        (
            f"limits: {{mappings: 0}}\n{MLOCK}",
            {"max_map_count": 262145},
            "vm.max_map_count is 262145; set it to 262144 or less",
        ),
        (
            f"as: unprivileged\n{MLOCK}",
            {"privileged": True, "memlock": 8192},
            "needs RLIMIT_MEMLOCK at 12288 bytes, it can be 8192; raise it with ulimit -l",
        ),
        (
            LIMITED.replace("4p", "unlimited"),
            {"privileged": True, "memlock": 8192},
            "needs RLIMIT_MEMLOCK unlimited, it can be 8192; raise it with ulimit -l",
        ),
        (
            LIMITED,
            POOR,
            "needs RLIMIT_MEMLOCK at 16384 bytes, it can be 8192; raise it with ulimit -l",
        ),
        (
            MLOCK,
            POOR,
            "needs RLIMIT_MEMLOCK at 12288 bytes, it can be 8192; raise it with ulimit -l",
        ),
        (
            "map: a\ncall: mlockall\nflags: CURRENT\nexpect: {result: 0}",
            {**POOR, "own_pages": 2},
            "needs RLIMIT_MEMLOCK at 12288 bytes, it can be 8192; raise it with ulimit -l",
        ),
        (
            LIMITED.replace("4p", "unlimited"),
            POOR,
            "needs RLIMIT_MEMLOCK unlimited, it can be 8192; raise it with ulimit -l",
        ),
        (
            MLOCK.replace("result: 0", "locked: LLL"),
            {"lock_observers": ()},
            "the target gives no way to see which pages are locked",
        ),
        (f"locked: L..\n{MLOCK}", {"lock_observers": ()}, "the target gives no way to see which pages are locked"),
        (
            f"locked: L..\n{LIMITED.replace('4p', '0')}",
            {"privileged": False, "memlock": 0},
            "needs RLIMIT_MEMLOCK at 4096 bytes, it can be 0; raise it with ulimit -l",
        ),
        (
            "checks: [mlock.in-memory]\nmap: a\ncall: mlock\nrange: ^\nexpect: {resident: R}",
            {"residency": None},
            "the target gives no way to see which pages are resident",
        ),
        (
            "checks: [linux.layout]\nmap: a\ncall: mlock\nrange: ^\nexpect: {mappings: unchanged}",
            {"mappings": False},
            "the target gives no way to see the boundaries of mappings",
        ),
        (
            "map: a*524288\ncall: mlock\nrange: ^*524288\nexpect: {locked: unchanged}",
            {"bits": 32},
            "524288 pages do not fit into the 32 bits of an address",
        ),
        (
            f"regions: {{a: {{huge: always}}}}\n{MLOCK}",
            {"thp": None},
            "the target makes no transparent huge pages (on Linux: /sys/kernel/mm/transparent_hugepage/enabled)",
        ),
        (
            "checks: [linux.layout]\nmap: a\ncall: touch\nrange: ^\nexpect: {page-faults: none}",
            {"page_faults": False},
            "the target does not count page faults",
        ),
        (
            "checks: [linux.layout]\nmap: a\ncall: mlock\nrange: ^\nexpect: {accounting: exact}",
            {"accounting": False},
            "the target does not tell how much locked memory it counts (VmLck)",
        ),
        (
            "checks: [linux.layout]\nmap: a\ncall: mlock\nrange: ^\nexpect: {accounting: exact}",
            {"elsewhere": False},
            "the target does not tell how much locked memory it counts (VmLck)",
        ),
        (
            "map: a\ncall: fork\nchild: [{call: observe}, {call: mlock, range: ^, expect: {locked: unchanged}}]\nexpect: {result: 0}",
            {"elsewhere": False},
            "the target gives no way to see locks outside the arena",
        ),
    ],
)
def test_a_condition_that_cannot_be_provoked_or_seen_is_untested(
    fields: str, lacks: dict[str, Any], reason: str
) -> None:
    case = case_of(fields)
    assert said(unmet(case, target_info(**lacks))) == (Status.UNTESTED, reason)
    assert unmet(case, target_info()) is None


@pytest.mark.parametrize(
    ("fields", "lacks"),
    [
        ("map: a\nsteps: [{call: touch, range: ^}, {call: observe, expect: {locked: .}}]", {"calls": ("mmap",)}),
        (f"regions: {{a: {{guard: ...}}}}\n{MLOCK}", {"guard": False}),
        (f"limits: {{mappings: 0}}\n{MLOCK}", {"max_map_count": 262144}),
        (MLOCK, {"max_map_count": None, "residency": None, "mappings": False, "accounting": False, "elsewhere": False,
                 "faults": {}, "alone": False, "counts": None, "taint": None}),
        (f"as: privileged\n{MLOCK}", {"privileged": True, "memlock": 0}),
        (f"as: unprivileged\n{MLOCK}", {"privileged": False, "memlock": 12288}),
        (MLOCK, {"privileged": False, "memlock": -1}),
        (LIMITED, {"privileged": False, "memlock": 16384}),
        (LIMITED.replace("4p", "0"), {"privileged": False, "memlock": 0}),
        (LIMITED.replace("4p", "unlimited"), {"privileged": False, "memlock": -1}),
        (MLOCK, {"lock_observers": ()}),
        (MLOCK.replace("result: 0", "{result: 0, locked: '???'}").replace("{{", "{").replace("}}", "}"), {"lock_observers": ()}),
        ("map: a\ncall: munlock\nrange: ^\nexpect: {result: 0}", {"privileged": False, "memlock": 0}),
        (f"locked: L..\n{LIMITED.replace('4p', '0')}", {"privileged": True, "memlock": 0}),
        (MLOCK, {"trouble": {"munlock": "hung", "guard": "hung"}, "refused": {"mlock": "EPERM", "smaps": "EMFILE"}}),
    ],
)  # fmt: skip
def test_what_a_case_does_not_need_may_be_missing(fields: str, lacks: dict[str, Any]) -> None:
    assert unmet(case_of(fields), target_info(**lacks)) is None


def test_what_is_unsupported_is_said_before_what_is_untested() -> None:
    verdict = unmet(case_of(f"fault: each-allocation\n{MLOCK}"), target_info(calls=(), faults={}))
    assert said(verdict) == (Status.UNSUPPORTED, "the target has no mlock")


@pytest.mark.parametrize(
    ("fields", "fewer", "lacks"),
    [
        (MLOCK, {"calls": ("mmap", "mlockall", "munlockall")}, "mlock"),
        (f"locked: F..\n{MLOCK}", {"calls": ("mmap", "mlock")}, "mlock2"),
        (f"regions: {{a: {{kind: secretmem}}}}\n{MLOCK}", {"kinds": ("anonymous",)}, "secretmem"),
        (f"fault: each-allocation\n{MLOCK}", {"faults": {}}, "each-allocation"),
        (
            f"fault: from-each-page-allocation\n{MLOCK}",
            {"faults": {"each-allocation": "fail-nth"}},
            "from-each-allocation",
        ),
        (
            f"fault: each-page-allocation\n{MLOCK}",
            {"faults": {"each-allocation": "fail-nth", "from-each-allocation": "make-it-fail"}},
            "apart",
        ),
        (f"as: privileged\n{MLOCK}", {"privileged": False}, "privileged"),
        (SETTLE, {"alone": False, "counts": None}, "alone"),
        (RECLAIM, {"reclaim": ()}, "reclaim"),
        (LIMITED, POOR, "memlock"),
        (MLOCK, {"lock_observers": (), "calls": ("mmap", "mlock", "munlock")}, ""),
        (
            "map: aaa\ncall: mlock\nrange: {pages: .^., length: -1}\nexpect: {locked: unchanged}",
            {"wraps": False},
            "",
        ),
    ],
)
def test_what_is_missing_has_a_name_unless_there_is_nothing_that_could_be_had(
    fields: str, fewer: dict[str, Any], lacks: str
) -> None:
    verdict = unmet(case_of(fields), target_info(**fewer))
    assert (verdict.lacks if verdict is not None else "") == lacks
