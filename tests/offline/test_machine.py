# SPDX-License-Identifier: Apache-2.0
"""Running and judging apart, for real: guests with nothing but busybox, one of which goes down in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lockproof.conformance.commands import export as command
from tests.breaking import breaking_cases, build_breaking_probe
from tests.command import lockproof, results
from tests.offline.folders import export, judged
from tests.offline.machine import Machine
from tests.whole_corpus import on, whole_corpus

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = "debian/6.12"
TARGET = f"qemu:{KERNEL}"

pytestmark = [pytest.mark.qemu(KERNEL), pytest.mark.busybox]


def brief(verdict: dict[str, Any]) -> tuple[str, set[tuple[str, str]]]:
    """Return a verdict without the pages, which vary where memory runs out."""
    return verdict["status"], {(finding["requirement"], finding["aspect"]) for finding in verdict["findings"]}


@pytest.mark.parametrize("target", [on(TARGET)])
def test_a_guest_that_has_only_busybox_gets_the_verdicts_of_a_guest_of_lockproof(tmp_path: Path, target: str) -> None:
    assert lockproof("export", "programs", "--arch", "x86_64", "-o", "carried", cwd=tmp_path).returncode == 0
    machine = Machine(KERNEL, tmp_path, tmp_path / "carried")
    assert "All programs have run." in machine.boot()
    machine.bring_back(tmp_path / "back")
    done = lockproof("judge", "back", cwd=tmp_path)
    assert (done.stderr, done.returncode) == ("", 1)
    found = {result["case"]: result["verdict"] for result in results(tmp_path)}
    # What the system counts, which a busybox beside it would disturb, and memory that is taken back, for want of swap.
    lacking = {case for case, verdict in found.items() if verdict["lacks"] in {"alone", "reclaim"}}
    assert {case for case in lacking if "/mlocked" not in case and "/reclaim/" not in case} == {
        "quality/closing/vm-areas"
    }
    wanted = whole_corpus(target).verdicts
    assert set(found) == set(wanted)
    assert [case for case in found if case not in lacking and brief(found[case]) != brief(wanted[case])] == []


FLAGS = {"a": 77, "panic": 1001, "b": 77, "reboot": 1002, "c": 77}
"""What native/tests/broken_kernel/breaking_probe.c makes of flags: 77 is refused by the kernel."""


def test_what_breaks_the_machine_is_that_case_and_the_others_are_run_when_it_is_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking = build_breaking_probe(tmp_path / "breaking")
    monkeypatch.setattr(command, "host_probe", lambda: str(breaking))
    carried = export(tmp_path, breaking_cases(FLAGS))
    machine = Machine(KERNEL, tmp_path, carried)
    assert "Kernel panic - not syncing: sysrq triggered crash" in machine.boot()
    assert "All programs have run." not in machine.boot()  # it reboots
    assert "All programs have run." in machine.boot()
    machine.bring_back(tmp_path / "back")
    found = judged(tmp_path / "back")
    passed = dict.fromkeys(FLAGS, "PASS")
    expected = passed | {"panic": "FAIL", "reboot": "FAIL"}
    assert {case: result.verdict.status for case, result in found.items()} == expected
    for case in ("panic", "reboot"):
        assert found[case].verdict.findings[0].message == "the kernel rebooted or switched off"
    text = (tmp_path / "back" / "traces").read_text()
    assert [text.count(f'{{"end":"{number}-') for number in range(1, 6)] == [1, 0, 1, 0, 1]
