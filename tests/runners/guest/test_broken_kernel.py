# SPDX-License-Identifier: Apache-2.0
"""A kernel that watches itself, and does wrong when mlock is asked for certain numbers of bytes: native/tests/broken_kernel/trouble.patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers import judged, picture_of, write

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = "debian/6.1+trouble+debug"
TARGET = f"qemu:{KERNEL}"
TROUBLES = {
    103: ("the kernel logged: WARNING: possible circular locking dependency detected", "lockproof_trouble"),
    101: ("the kernel logged: WARNING: CPU: 0", "lockproof_trouble"),
    102: ("the kernel logged: BUG: KASAN: use-after-free in lockproof_trouble", "Freed by task"),
    104: ("kernel BUG at mm/mlock.c", "lockproof_trouble"),
    105: ("the kernel hung: no answer in 15 s", ""),
}
"""What is said of each, and what else is shown of the log. Lockdep first: other troubles switch it off."""

pytestmark = [pytest.mark.qemu(KERNEL), pytest.mark.xdist_group("trouble")]


def case(name: str, length: int) -> str:
    """Write a case that locks so many bytes of a page."""
    return f"""
- id: {name}
  about: The page that has the bytes is locked.
  checks: [mlock.whole-pages]
  map:    aa
  call:   mlock
  range:  {{pages: ^., length: {length}}}
  expect: {{result: 0, locked: L.}}
"""


def test_each_trouble_fails_its_own_case_with_the_log_that_belongs_to_it(tmp_path: Path) -> None:
    text = "".join(case(f"trouble-{length}", length) + case(f"after-{length}", 1) for length in TROUBLES)
    cases = write(tmp_path, text)
    found = {result.case.rpartition("/")[2]: result for result in judged(TARGET, cases, time_limit=5.0)}
    assert {name: str(found[name].verdict.status) for name in found if name.startswith("after")} == {
        f"after-{length}": "PASS" for length in TROUBLES
    }
    for length, (message, shown) in TROUBLES.items():
        result = found[f"trouble-{length}"]
        assert result.verdict.status == "FAIL", (length, result.verdict)
        assert result.verdict.findings[0].message.startswith(message)
        assert shown in picture_of(result, cases)


def test_a_kernel_that_watches_itself_has_nothing_to_say_of_cases_that_break_nothing(tmp_path: Path) -> None:
    (result,) = judged(TARGET, write(tmp_path, case("fine", 1)))
    assert result.verdict.status == "PASS"
