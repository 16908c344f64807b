# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from lockproof.conformance.reports.words import what_stands_out
from tests.helpers import target_info

POOR: dict[str, Any] = {"privileged": False, "memlock": 0}
DIED = dict.fromkeys(("mlock", "mlock2", "munlock", "mlockall", "mmap", "fork", "anonymous"), "died of SIGSYS")


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, ""),
        ({"refused": {"hugetlb": "ENOMEM", "secretmem": "ENOSYS"}}, ""),
        ({"refused": {"mlock": "EPERM"}}, "mlock is refused with EPERM (with CAP_IPC_LOCK)"),
        (
            {"refused": {"mlock": "EPERM", "mlock2": "EPERM", "mlockall": "EPERM"}, **POOR},
            "mlock, mlock2 and mlockall are refused with EPERM (without CAP_IPC_LOCK; RLIMIT_MEMLOCK 0 bytes)",
        ),
        ({"refused": {"msync": "EPERM"}}, "msync is refused with EPERM"),
        (
            {"refused": {"mlock": "EPERM", "munlock": "EAGAIN"}},
            "mlock is refused with EPERM (with CAP_IPC_LOCK); munlock is refused with EAGAIN",
        ),
        ({"calls": ("munlock", "munlockall", "mlockall", "mmap")}, "it has no mlock"),
        ({"calls": (), "trouble": dict.fromkeys(("mlock", "munlock", "mlockall", "munlockall"), "hung")},
         "the trials of mlock, munlock, mlockall and munlockall hung"),
        ({"trouble": {"residency": "found that mincore and pagemap disagree"}},
         "the trial of residency found that mincore and pagemap disagree"),
        ({"trouble": DIED, "calls": ("munlockall",)},
         "the trials of mlock, mlock2, munlock, mlockall and 3 more died of SIGSYS"),
        ({"refused": {"smaps": "EMFILE"}}, "/proc/self/smaps cannot be read: EMFILE"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_said(fields: dict[str, Any], line: str) -> None:
    assert what_stands_out(target_info(**fields)) == line
