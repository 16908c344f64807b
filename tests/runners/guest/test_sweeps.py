# SPDX-License-Identifier: Apache-2.0
"""What a sweep finds on a real kernel with fault injection, and how it says so."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from lockproof.conformance.language.strips import expand
from tests.command import lockproof

KERNEL = "debian/6.1+fault-injection"
THREE_MAPPINGS = """
- id: three-mappings
  about: Whichever allocation inside the call fails, the range is locked as a whole or not at all.
  checks: [mlock.failure.no-change]
  map:    aaabbbcccc
  call:   mlock
  range:  .^^^^^^^^.
  fault:  each-allocation
  expect:
    - {result: 0, locked: .LLLLLLLL.}
    - {result: [EAGAIN, ENOMEM], locked: unchanged}
"""
ALL, FIRST_TWO, NOTHING = ".LLLLLLLL.", ".LLLLL....", ".........."

pytestmark = [pytest.mark.qemu(KERNEL), pytest.mark.xdist_group("sweep")]


@cache
def swept() -> tuple[str, list[dict[str, Any]]]:
    """Sweep once: what lockproof printed, and the steps that met the faults."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cases.yaml").write_text(THREE_MAPPINGS)
        done = lockproof("run", "-t", f"qemu:{KERNEL}", "--cases", "cases.yaml", cwd=folder)
        (run,) = (folder / "results").iterdir()
        (result,) = map(json.loads, (run / "results.jsonl").read_text().splitlines())
    return done.stdout, [line for line in result["trace"] if "step" in line]


def outcomes() -> list[tuple[str, str, str]]:
    """Return the result, the fault and the locks for n = 1, 2, 3…"""
    return [(step["result"], step["fault"], expand(step["snapshot"]["locked"]["smaps"])) for step in swept()[1]]


def test_every_allocation_fails_in_turn_until_the_call_has_no_more() -> None:
    faults = [fault for _, fault, _ in outcomes()]
    assert len(faults) > 15
    assert set(faults[:-1]) <= {"failed", "absorbed"}
    assert outcomes()[-1] == ("0", "not-reached", ALL)


def test_a_split_that_fails_first_changes_nothing_and_the_second_one_leaves_two_mappings_locked() -> None:
    assert outcomes()[:6] == [("ENOMEM", "failed", NOTHING)] * 3 + [("ENOMEM", "failed", FIRST_TWO)] * 3


def test_a_page_that_cannot_be_populated_leaves_the_whole_range_locked() -> None:
    later = outcomes()[6:-1]
    assert {(result, locked) for result, fault, locked in later if fault == "failed"} == {("EAGAIN", ALL)}


def test_an_allocation_of_which_the_kernel_can_do_without_is_absorbed() -> None:
    absorbed = [(result, locked) for result, fault, locked in outcomes() if fault == "absorbed"]
    assert absorbed
    assert set(absorbed) == {("0", ALL)}


def test_the_function_that_failed_is_named() -> None:
    printed, _ = swept()
    assert "allocation 4 inside the call fails: vm_area_dup <- __split_vma" in printed
    assert "breaks    4         -1 ENOMEM  failed       .LLLLL....   vm_area_dup <- __split_vma" in printed
    assert "__anon_vma_prepare <- __handle_mm_fault" in printed


AFTER_EXEC = """
- id: after-exec
  about: Also in a new image each allocation inside the call fails in turn.
  checks: [mlock.failure.no-change]
  map:    aab
  steps:
    - call:   exec
    - call:   fork
      child:
        - call: observe
    - call:   mmap
      range:  ^^.
      region: a
    - call:   mlock
      range:  .^.
      fault:  each-allocation
      expect: {result: [0, EAGAIN, ENOMEM]}
"""


def test_a_new_image_that_had_a_child_meets_the_faults_too(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(AFTER_EXEC)
    lockproof("run", "-t", f"qemu:{KERNEL}", "--cases", "cases.yaml", cwd=tmp_path)
    (run,) = (tmp_path / "results").iterdir()
    (result,) = map(json.loads, (run / "results.jsonl").read_text().splitlines())
    faults = [step["fault"] for step in result["trace"] if step.get("fault")]
    assert len(faults) > 5
    assert set(faults[:-1]) <= {"failed", "absorbed"}
    assert faults[-1] == "not-reached"


BEFORE_EXEC = """
- id: before-exec
  about: What comes after the call takes the place of the program, and of what it knows.
  checks: [munlock.failure.no-change, exec.removed]
  map:    aaa
  locked: LLL
  steps:
    - call:   munlock
      range:  .^.
      fault:  each-allocation
      expect: {result: [0, EAGAIN, ENOMEM]}
    - call:   exec
      expect: {result: 0}
"""


def test_a_sweep_goes_on_where_a_new_image_follows_the_call(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(BEFORE_EXEC)
    lockproof("run", "-t", f"qemu:{KERNEL}", "--cases", "cases.yaml", cwd=tmp_path)
    (run,) = (tmp_path / "results").iterdir()
    (result,) = map(json.loads, (run / "results.jsonl").read_text().splitlines())
    assert [step["fault"] for step in result["trace"] if step.get("fault")][1:][-1] == "not-reached"


ONE_TABLE = """
- id: one-table
  about: Page tables that the first page has are the last one's too, wherever the arena is.
  checks: [mlock.failure.no-change]
  map:    r*500
  regions:
    r: {protection: r}
  locked: L.*499
  call:   mlock
  range:  .*499^
  fault:  each-allocation
  expect: {result: [0, ENOMEM]}
"""


def test_an_arena_of_up_to_512_pages_needs_one_page_table(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(ONE_TABLE)
    done = lockproof("run", "-t", f"qemu:{KERNEL}", "--cases", "cases.yaml", "--repeat", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


ONE_SORT = THREE_MAPPINGS.replace(
    "  fault:  each-allocation\n",
    "  fault:  $fault\n  for-each: {fault: [each-slab-allocation, from-each-slab-allocation, each-page-allocation]}\n",
)


def test_slab_objects_fail_without_pages_and_pages_without_slab_objects(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(ONE_SORT)
    lockproof("run", "-t", f"qemu:{KERNEL}", "--cases", "cases.yaml", cwd=tmp_path)
    (run,) = (tmp_path / "results").iterdir()
    results = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    assert len(results) == 3
    for result in results:
        stacks = [step["stack"] for step in result["trace"] if step.get("stack")]
        assert {stack[0] for stack in stacks} == {
            "should_fail_alloc_page" if "page" in result["case"] else "should_failslab"
        }
