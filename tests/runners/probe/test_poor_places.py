# SPDX-License-Identifier: Apache-2.0
"""The probe where little is there: few descriptors, a small stack, no /proc, no /tmp. What it lacks is no deviation."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.selection import select
from lockproof.conformance.running.engine import Engine
from lockproof.conformance.running.results import Result
from lockproof.runners.probe.compiled import host_probe
from lockproof.runners.target import TargetInfo, make_target
from tests.helpers import collect

if TYPE_CHECKING:
    from pathlib import Path

SOME = ("lifetime", "linux/stack", "memory/mlock/locks*", "mlock/success", "mlock2/success", "mlockall/future")


def info_of(target: str) -> TargetInfo:
    with make_target(target).session() as session:
        return session.info


def ran(target: str) -> dict[str, Result]:
    corpus, found = load(), list[Result]()
    cases = select(corpus.cases, SOME)
    Engine(cases=cases, requirements=corpus.requirements, listeners=[collect(found)]).run([make_target(target)])
    return {result.case: result for result in found}


@pytest.fixture(scope="module")
def here() -> dict[str, Result]:
    """Run them where all is there."""
    return ran("local")


@pytest.fixture
def empty_root(tmp_path: Path) -> str:
    """Make a root directory in which only the probe is."""
    shutil.copy(host_probe(), tmp_path / "probe")
    return f"command:chroot {tmp_path} /probe"


FEW = "command:sh -c 'ulimit -n 4 && exec {probe}'"
SMALL = "command:env -i sh -c 'ulimit -s 16 && exec {probe}'"  # the environment lies on the stack
NO_PROC = "command:unshare --mount sh -c 'mount -t tmpfs none /proc && exec {probe}'"


@pytest.mark.parametrize("target", [FEW, SMALL, pytest.param(NO_PROC, marks=pytest.mark.root)])
def test_no_case_fails_there_that_does_not_fail_elsewhere(target: str, here: dict[str, Result]) -> None:
    found = ran(target)
    failed = {case for case, result in found.items() if result.verdict.status is Status.FAIL}
    assert {case for case in failed if here[case].verdict.status is not Status.FAIL} == set()
    assert sum(result.verdict.status is Status.PASS for result in found.values()) >= 20


@pytest.mark.root
def test_no_case_fails_in_an_empty_root_that_does_not_fail_elsewhere(empty_root: str, here: dict[str, Result]) -> None:
    test_no_case_fails_there_that_does_not_fail_elsewhere(empty_root, here)


def test_with_few_descriptors_it_says_what_it_could_not_open() -> None:
    info = info_of(FEW)
    assert {info.refused[what] for what in ("smaps", "file", "shm", "memfd", "exec")} == {"EMFILE"}
    assert info.lock_observers == ("msync",)


@pytest.mark.root
def test_an_empty_root_has_files_in_memory_and_can_run_itself_again(empty_root: str) -> None:
    info = info_of(empty_root)
    assert {"file", "shm", "memfd"} <= {*info.kinds}
    assert "exec" in info.calls
    assert "exec" not in info.refused
    assert info.refused["smaps"] == "ENOENT"
    assert info.privileged == info_of("local").privileged


@pytest.mark.root
def test_capabilities_of_another_user_namespace_lift_no_limit() -> None:
    for more in ("", "--mount sh -c 'mount -t tmpfs none /proc && exec {probe}'"):
        target = f"command:unshare --user --map-root-user {more or '{probe}'}"
        assert not info_of(target).privileged
