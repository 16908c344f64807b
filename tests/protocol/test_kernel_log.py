# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.protocol.kernel_log import excerpt, first_splat, new_taint


@pytest.mark.parametrize(
    "line",
    [
        "BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "BUG: unable to handle page fault for address: ffff888000000000",
        "Oops: 0002 [#1] PREEMPT SMP",
        "Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1]",
        "general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]",
        "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008",
        "Unable to handle kernel pointer dereference in virtual kernel address space",
        "Kernel attempted to read user page (8) - exploit attempt? Oops: Kernel access of bad area, sig: 11 [#1]",
        "Internal error: Oops: 0000000096000004 [#1] SMP",
        "kernel BUG at mm/mlock.c:123!",
        "WARNING: CPU: 0 PID: 12 at mm/mlock.c:123 mlock_fixup+0x12/0x80",
        "WARNING: possible circular locking dependency detected",
        "WARNING: suspicious RCU usage",
        "INFO: possible recursive locking detected",
        "BUG: KASAN: slab-use-after-free in mlock_fixup+0x12/0x80",
        "BUG: KCSAN: data-race in a / b",
        "UBSAN: shift-out-of-bounds in mm/mlock.c:12:3",
        "BUG: sleeping function called from invalid context at mm/mlock.c:1",
        "BUG: Bad page state in process lockproof-probe  pfn:01234",
        "BUG: Bad rss-counter state mm:00000000 type:MM_ANONPAGES val:1",
        "BUG vm_area_struct (Not tainted): Poison overwritten",
        "watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
        "rcu: INFO: rcu_sched self-detected stall on CPU",
        "INFO: task lockproof-probe:12 blocked for more than 120 seconds.",
        "list_del corruption, ffff88800000->next is LIST_POISON1",
        "refcount_t: underflow; use-after-free.",
        "Kernel panic - not syncing: sysrq triggered crash",
        "[   12.345678] Kernel panic - not syncing: Fatal exception",
    ],
)
def test_a_kernel_that_finds_itself_broken_is_recognised(line: str) -> None:
    assert first_splat(("audit: hello", line, "Call Trace:")) == line


@pytest.mark.parametrize(
    "line",
    [
        "lockproof-probe: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL), nodemask=(null)",
        "FAULT_INJECTION: forcing a failure.",
        "name failslab, interval 1, probability 0, space 0, times 0",
        "Memory cgroup out of memory: Killed process 12 (lockproof-probe)",
        "lockproof-probe[12]: segfault at 0 ip 0000000000401000 sp 00007ffc error 4",
        "clocksource: tsc: mask: 0xffffffffffffffff",
        "mm/pgtable-generic.c:51: bad pmd 00000000",
        "",
    ],
)
def test_what_cases_provoke_and_kernels_say_anyway_is_no_trouble(line: str) -> None:
    assert first_splat((line,)) is None


def test_the_line_that_says_what_it_is_counts_not_the_one_that_marks_it() -> None:
    log = ("------------[ cut here ]------------", "WARNING: CPU: 0 PID: 1 at mm/mlock.c:1 x+0x1/0x2 ")
    assert first_splat(log) == "WARNING: CPU: 0 PID: 1 at mm/mlock.c:1 x+0x1/0x2"
    assert excerpt(("hello", *log)) == list(log)


def test_an_excerpt_begins_at_the_splat_and_is_bounded() -> None:
    log = ["hello"] * 50 + ["BUG: x"] + [f"line {n}" for n in range(60)]
    assert excerpt(log) == ["BUG: x", *(f"line {n}" for n in range(39)), "… 21 more lines"]


def test_without_a_splat_the_last_lines_are_shown() -> None:
    log = [f"line {n}" for n in range(45)]
    assert excerpt(log) == ["… 5 lines before", *log[5:]]
    assert excerpt(log[:3]) == log[:3]
    assert excerpt(()) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (None, ""),
        ((0, 0), ""),
        ((512, 512), ""),
        ((512, 0), ""),
        ((0, 512), "kernel warned"),
        ((1, 129 + 512), "kernel died, kernel warned"),
        ((0, 1 << 30), "bit 30"),
    ],
)
def test_a_new_taint_is_named(change: tuple[int, int] | None, text: str) -> None:
    assert new_taint(change) == text


WORDS = st.sampled_from(
    ["BUG: ", "WARNING: ", "cut here", "------------[ cut here ]------------", "Oops", " ", "\0", "\x1b"]
)
LINES = st.lists(st.lists(WORDS | st.text(max_size=8), max_size=4).map("".join), max_size=120)


@given(LINES)
def test_of_any_log_a_bounded_part_is_shown_that_has_the_splat(log: list[str]) -> None:
    splat = first_splat(log)
    shown = excerpt(log)
    assert len(shown) <= 41
    assert all(line in log or line.startswith("… ") for line in shown)
    assert splat is None or splat in {line.strip() for line in log}


@given(st.tuples(st.integers(0, 1 << 64), st.integers(0, 1 << 64)))
def test_of_any_taint_every_new_bit_is_named_and_no_other(change: tuple[int, int]) -> None:
    before, after = change
    assert len(list(filter(None, new_taint(change).split(", ")))) == (after & ~before).bit_count()
