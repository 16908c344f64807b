# SPDX-License-Identifier: Apache-2.0
"""Linux 7.2 with the series of native/kernel/patches keeps the promise: in the five calls nothing fails (README)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.command import lockproof, verdicts
from tests.corpus.without_memory import may_need_no_memory, needs_no_memory
from tests.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = "debian/7.2+posixmlock+fault-injection"
FIVE_CALLS = (
    "mlock/ mlock2/ munlock/ munlockall/ mlockall/current mlockall/errors mlockall/no-change grid/mlock grid/mlock2 "
    "grid/munlock grid/mlockall sweeps/mlock sweeps/mlock2 sweeps/munlock sweeps/mlockall sweeps/persistent"
)
"""All that is about them; mmap under MCL_FUTURE, mremap and growing stacks are other calls."""


@pytest.mark.qemu(KERNEL)
def test_no_case_of_the_five_calls_fails_whatever_allocation_does(tmp_path: Path) -> None:
    done = lockproof("run", "--offline", "-t", f"qemu:{KERNEL}", *FIVE_CALLS.split(), cwd=tmp_path)
    found = verdicts(tmp_path)
    assert [case for (_, case), status in found.items() if status not in {"PASS", "UNTESTED"}] == []
    assert (done.returncode, done.stderr) == (0, "")
    untested = [case for (_, case), status in found.items() if status == "UNTESTED"]
    others = [case for case in untested if not (needs_no_memory(case) or may_need_no_memory(case))]
    # The compiler that built the kernel may move a sweep from PASS to UNTESTED.
    assert len(others) < len(found) // 50, others


def test_readme_shows_this_command() -> None:
    assert f"lockproof run -t qemu:{KERNEL} {FIVE_CALLS}\n" in (CHECKOUT / "README.md").read_text()
