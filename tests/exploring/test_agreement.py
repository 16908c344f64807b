# SPDX-License-Identifier: Apache-2.0
"""The models of Linux do what kernels of their versions do, and what they do not is found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from lockproof.conformance.exploring.agreement import Agreement, compare
from lockproof.conformance.exploring.search import SearchRequest, explore
from lockproof.conformance.language.loading import load_text
from lockproof.conformance.protocol.program import compile_case
from lockproof.runners.target import make_target
from tests.command import lockproof
from tests.whole_corpus import on, whole_corpus

if TYPE_CHECKING:
    from lockproof.conformance.protocol.trace import Trace

GUESTS = {
    "debian/5.10": "linux-5.10", "debian/6.1": "linux-6.1", "debian/6.12": "linux-6.12", "debian/7.2": "linux-7.1",
    "debian/6.1+fault-injection": "linux-6.1",
}  # fmt: skip
OTHERS = {
    "linux-6.12": "linux-6", "linux-6.1": "linux-6.12", "linux-5.10": "linux-6.1", "posix": "linux-6",
    "posixmlock-2006": "linux-2.6.16",
}  # fmt: skip
"""Models of which one does what the other does not."""


@pytest.mark.parametrize(
    ("kernel", "model"), [pytest.param(*pair, marks=pytest.mark.qemu(pair[0])) for pair in GUESTS.items()]
)
def test_a_kernel_and_the_model_of_its_version_do_the_same(kernel: str, model: str) -> None:
    done = lockproof("explore", f"qemu:{kernel}", "--against", f"model:{model}", "--count", "500", cwd=Path.cwd())
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert done.stderr.startswith("500 cases in ")


@pytest.mark.parametrize(("one", "other"), OTHERS.items())
def test_what_two_versions_do_not_do_alike_is_found_and_made_small(one: str, other: str) -> None:
    found = explore(SearchRequest(f"model:{one}", 120, 1, 100000, f"model:{other}"), Console(stderr=True))
    assert found.yaml, found
    assert found.what.partition(": only ")[2], found.what
    (case,) = load_text(found.yaml).cases
    assert f"does what model:{other} does not" in case.about
    assert len(case.steps) <= 3, found.yaml


NOT_MODELLED = (
    # Where the old mapping cannot be taken away for want of memory, Linux has moved the pages and keeps both mappings
    # (mm/mremap.c, move_vma()). The models take it away.
    "grid/mapping/moves-and-grows[to=moved",
    "grid/mapping/moves-short-of-slabs-or-pages[fault=slab",
    # A page fault takes slab objects too (mm/rmap.c, __anon_vma_prepare()). In the models it takes a page.
    "grid/mlockall/short-of-slabs-or-pages[fault=slabs",
    # Nor do they have huge pages, of which one comes in at once, and is split.
    "grid/mlock/short-of-memory-and-huge",
)


def tells_modes(result: dict[str, Any]) -> bool:
    """Whether a lock on fault was seen to be one."""
    seen = [line.get("before") or line.get("snapshot") for line in result["trace"]]
    return any("F" in strip for snapshot in seen if snapshot for strip in snapshot["locked"].values())


@pytest.mark.parametrize(
    ("target", "model"),
    [on(f"qemu:{kernel}", model, marks=(pytest.mark.qemu(kernel),)) for kernel, model in GUESTS.items()],
)
def test_a_case_has_the_same_verdict_on_a_kernel_and_on_its_model(target: str, model: str) -> None:
    ours, theirs = whole_corpus(target), whole_corpus(f"model:{model}")
    said = {"PASS", "FAIL"}
    both = [case for case, status in ours.statuses.items() if {status, theirs.statuses[case]} <= said]
    # Kernels before 6.12 do not tell locks on fault from eager ones.
    alike = [case for case in both if tells_modes(ours.results[case]) == tells_modes(theirs.results[case])]
    assert len(alike) > 500
    assert [
        case for case in alike if ours.statuses[case] != theirs.statuses[case] and not case.startswith(NOT_MODELLED)
    ] == []


MERGING = """
- id: merging
  about: The page becomes one mapping with the one before it; since 6.1 that takes memory.
  checks: [mlock.failure.no-change]
  map:    aa
  locked: L.
  call:   mlock
  range:  .^
  fault:  each-allocation
  expect: {result: 0}
"""


def compared(target: str, model: str) -> Agreement:
    (case,) = load_text(MERGING).cases
    traces: list[Trace] = []
    for name in (target, model):
        with make_target(f"model:{name}").session() as session:
            traces += session.run([compile_case(case)])
    return compare(case, traces[0], traces[1], page_size=4096)


def test_what_comes_of_an_allocation_that_only_the_model_makes_is_no_difference() -> None:
    assert compared("linux-5.10", "linux-6.1") == Agreement(None, allocates_less=True)


def test_what_comes_of_an_allocation_that_only_the_target_makes_is_one() -> None:
    agreement = compared("linux-6.1", "linux-5.10")
    assert agreement.divergence is not None
    assert "mlock: only the target gave 0, locks LL, mappings ||" in agreement.divergence.what
    assert not agreement.allocates_less


@pytest.mark.parametrize("model", ["linux-2.6.16", "posixmlock-2006", "linux-6", *sorted({*GUESTS.values()})])
def test_every_case_runs_on_a_model(model: str) -> None:
    statuses = Counter(whole_corpus(f"model:{model}").statuses.values())
    assert set(statuses) <= {"PASS", "FAIL", "UNSUPPORTED", "UNTESTED"}
    assert statuses["PASS"] > 500
