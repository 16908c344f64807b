# SPDX-License-Identifier: Apache-2.0
"""Memory that a real kernel takes back: what is locked stays, and what is not shows that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.language.case import Kind
from lockproof.runners.target import make_target
from tests.command import lockproof, results

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = "debian/6.12"
CASES = """
- id: kept
  about: What is locked stays.
  checks: [mlock.until-unlocked]
  map: aabb
  regions: {b: {kind: shm}}
  locked: .LL.
  steps:
    - {call: touch, range: ^^^^}
    - {call: reclaim, expect: {result: 0, locked: unchanged, resident: .RR.}}

- id: not-kept
  about: What was unlocked is said to stay.
  checks: [mlock.until-unlocked]
  map: aaa
  locked: LL.
  steps:
    - {call: touch, range: ^^^}
    - {call: munlock, range: .^.}
    - {call: reclaim, expect: {result: 0, resident: RR.}}

- id: not-shown
  about: What is locked is said to go.
  checks: [mlock.until-unlocked]
  map: aa
  locked: L.
  steps:
    - {call: touch, range: ^^}
    - {call: reclaim, expect: {result: 0, resident: ..}}
"""

pytestmark = pytest.mark.qemu(KERNEL)


def test_a_guest_has_a_disk_to_which_every_kind_of_memory_goes() -> None:
    with make_target(f"qemu:{KERNEL}").session() as session:
        assert session.info.trouble == {}
        assert set(Kind) - set(session.info.reclaim) <= {Kind.HUGETLB, Kind.SECRETMEM, Kind.DROPPABLE}


def test_what_stays_goes_and_shows_nothing_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(CASES)
    lockproof("run", "-t", f"qemu:{KERNEL}", "--cases", "cases.yaml", cwd=tmp_path)
    kept, not_kept, not_shown = (line["verdict"] for line in results(tmp_path))
    assert kept["status"] == "PASS"
    assert [finding["message"] for finding in not_kept["findings"]] == ["page 1 is not resident"]
    assert (not_shown["status"], not_shown["reason"]) == (
        "UNRESOLVED",
        "step 1, reclaim, did not take page 0, so that it says nothing about the others",
    )


def test_a_target_that_cannot_take_memory_passes_no_such_case(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(CASES)
    lockproof("run", "-t", f"qemu:{KERNEL}+append=cgroup_disable=memory", "--cases", "cases.yaml", cwd=tmp_path)
    assert {line["verdict"]["status"] for line in results(tmp_path)} == {"UNTESTED"}
