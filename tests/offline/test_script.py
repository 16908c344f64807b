# SPDX-License-Identifier: Apache-2.0
"""run.sh on this machine, in several shells, none of which finds another program; and started again after it ended early."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.offline.folders import CASES, export, judged, ran, run_script

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.running.results import Result

SHELLS = (("busybox", "sh"), ("dash",), ("bash", "--posix"), ("bash",))
HERE = {"one": "PASS", "two": "PASS", "hole": "PASS", "late-hole": "FAIL", "last": "PASS"}
"""What Linux does."""


def statuses(carried: Path) -> dict[str, str]:
    """Judge a folder, and return the verdicts by the leaves of the cases."""
    return {case: str(result.verdict.status) for case, result in judged(carried).items()}


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_shell_is_all_that_it_takes(tmp_path: Path, shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"needs {shell[0]}")
    carried = export(tmp_path)
    done = run_script(carried, *shell)
    assert (done.stdout, done.stderr, done.returncode) == ("All programs have run.\n", "", 0)
    assert statuses(carried) == HERE


def test_it_can_be_started_from_elsewhere(tmp_path: Path) -> None:
    carried = export(tmp_path)
    command = ["/bin/sh", f"{carried.name}/run.sh"]
    subprocess.run(command, cwd=tmp_path, env={"PATH": "/nowhere"}, check=True, capture_output=True)
    assert statuses(carried) == HERE


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_what_ran_is_not_run_again(tmp_path: Path, shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"needs {shell[0]}")
    carried = ran(tmp_path)
    before = (carried / "traces").read_bytes()
    done = run_script(carried, *shell)
    assert (done.stdout, done.returncode) == ("All programs have run.\n", 0)
    assert (carried / "traces").read_bytes() == before


def after_cut(carried: Path, left: bytes) -> dict[str, Result]:
    """Let the traces have ended early, start the script again, and judge."""
    (carried / "traces").write_bytes(left)
    assert run_script(carried).returncode == 0
    return judged(carried)


def test_wherever_it_was_cut_one_program_is_given_up_and_the_others_are_run(tmp_path: Path) -> None:
    carried = ran(tmp_path)
    whole = (carried / "traces").read_bytes()
    given_up = set()
    for end in range(0, len(whole), len(whole) // 40):
        found = after_cut(carried, whole[:end])
        assert list(found) == list(HERE)
        others = {case for case, result in found.items() if result.verdict.status != HERE[case]}
        assert [str(found[case].verdict.status) for case in others] in ([], ["UNRESOLVED"])
        given_up |= others
    assert given_up == set(HERE)


def of_boot(whole: bytes, boot: bytes) -> bytes:
    """Return the traces up to the middle of the second program, of another boot of the machine."""
    return re.sub(rb'"boot":"[^"]*"', b'"boot":"%s"' % boot, whole[: whole.index(b'{"end":"2-')], count=1)


def test_what_the_machine_went_down_by_is_the_failure_of_that_case(tmp_path: Path) -> None:
    carried = ran(tmp_path)
    before = of_boot((carried / "traces").read_bytes(), b"01234567-89ab-cdef-0123-456789abcdef")
    found = after_cut(carried, before)
    assert {case: result.verdict.status for case, result in found.items()} == HERE | {"two": "FAIL"}
    assert found["two"].verdict.findings[0].message == "the kernel rebooted or switched off"


@pytest.mark.parametrize("known", [True, False])
def test_a_probe_that_ended_is_no_crash_where_nothing_says_that_the_machine_did(tmp_path: Path, known: bool) -> None:  # noqa: FBT001
    carried = ran(tmp_path)
    whole = (carried / "traces").read_bytes()
    before = whole[: whole.index(b'{"end":"2-')] if known else of_boot(whole, b"")
    found = after_cut(carried, before)
    assert {case: result.verdict.status for case, result in found.items()} == HERE | {"two": "UNRESOLVED"}
    said = "the machine did not go down" if known else "whether the machine went down is not known"
    assert found["two"].verdict.reason.endswith(said)


def test_a_machine_that_goes_down_again_and_again_costs_a_program_each_time(tmp_path: Path) -> None:
    carried = ran(tmp_path)
    whole = (carried / "traces").read_bytes()
    before = of_boot(whole, b"01234567-89ab-cdef-0123-456789abcdef")
    (carried / "traces").write_bytes(before)
    assert run_script(carried).returncode == 0
    again = (carried / "traces").read_bytes()
    found = after_cut(carried, again[: again.index(b'{"end":"4-')])
    expected = HERE | {"two": "FAIL", "late-hole": "UNRESOLVED"}
    assert {case: result.verdict.status for case, result in found.items()} == expected


def test_a_probe_that_is_killed_is_told_and_the_script_goes_on_behind(tmp_path: Path) -> None:
    carried = ran(tmp_path)
    (carried / "traces").unlink()
    probe = carried / "lockproof-probe"
    executable = probe.read_bytes()
    probe.write_text("#!/bin/sh\nkill -KILL $$\n")
    done = run_script(carried)
    assert done.returncode == 1
    assert "It ended early: start this again" in done.stderr
    probe.write_bytes(executable)
    assert run_script(carried).returncode == 0
    assert statuses(carried) == HERE


def test_some_cases_are_exported_alone(tmp_path: Path) -> None:
    carried = export(tmp_path, CASES, "*/hole", "*/last")
    assert (carried / "programs.txt").read_text().count("\nend\n") == 2
    assert run_script(carried).returncode == 0
    assert statuses(carried) == {"hole": "PASS", "last": "PASS"}
