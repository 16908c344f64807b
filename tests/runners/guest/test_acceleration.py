# SPDX-License-Identifier: Apache-2.0
"""Whether KVM is to be trusted: the trial guest on a real QEMU, and QEMUs that never end or cannot be started."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lockproof.runners.guest import acceleration
from lockproof.runners.guest.acceleration import kvm_works

if TYPE_CHECKING:
    from pathlib import Path

TRIAL = acceleration._TRIALS["x86_64"]  # noqa: SLF001  the guest is what is tested


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Remember nothing from other tests."""
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def script(tmp_path: Path, text: str) -> str:
    """Write a program that stands for QEMU."""
    path = tmp_path / "qemu"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.qemu("debian/6.12")
def test_the_trial_guest_ends_a_qemu_that_runs_it_with_its_status(tmp_path: Path) -> None:
    (tmp_path / "rom").write_bytes(TRIAL.image)
    options = [option.replace("host", "max") for option in TRIAL.options]
    command = [TRIAL.program, "-accel", "tcg", "-m", "64", "-nodefaults", "-display", "none", "-no-reboot", *options]
    done = subprocess.run([*command, tmp_path / "rom"], timeout=60, check=False)
    assert done.returncode == TRIAL.status


@pytest.mark.parametrize(
    ("text", "works"), [(f"exit {TRIAL.status}", True), ("exit 0", False), ("exit 1", False), ("kill -9 $$", False)]
)
def test_only_the_status_of_the_trial_guest_counts(tmp_path: Path, text: str, *, works: bool) -> None:
    assert acceleration._try(replace(TRIAL, program=script(tmp_path, text))) is works  # noqa: SLF001


def test_a_kvm_that_opens_and_never_runs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceleration, "_LIMIT", 0.3)
    late = script(tmp_path, f"sleep 20 >/dev/null 2>&1\nexit {TRIAL.status}")
    assert not acceleration._try(replace(TRIAL, program=late))  # noqa: SLF001


def test_a_qemu_that_is_not_installed_runs_nothing() -> None:
    assert not acceleration._try(replace(TRIAL, program="qemu-system-nowhere"))  # noqa: SLF001


def test_the_answer_is_kept_for_this_boot_of_the_machine(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(os, "access", lambda *_: True)
    trials = []

    def succeed(trial: object) -> bool:
        trials.append(trial)
        return True

    monkeypatch.setattr(acceleration, "_try", succeed)
    assert kvm_works()
    assert kvm_works()
    assert len(trials) == 1
    (known,) = cache.glob("kvm-*")
    known.write_text("another-boot works\n")
    assert kvm_works()
    assert len(trials) == 2


def test_without_the_device_there_is_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert not kvm_works()
