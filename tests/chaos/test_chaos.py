# SPDX-License-Identifier: Apache-2.0
"""A run that is killed, stopped and starved at random moments comes to the results of one that is not."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.chaos.disturbed import Asked, disturb, undisturbed

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 3


@pytest.mark.parametrize("target", ["local", pytest.param("qemu:debian/6.12", marks=pytest.mark.qemu("debian/6.12"))])
def test_a_run_that_is_disturbed_comes_to_the_same_results(target: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("LOCKPROOF_CHAOS_SEED", str(time.time_ns() % 10**9)))
    asked = Asked(target=target, repeat=200 if target == "local" else 50, has_disk=os.geteuid() == 0)
    expected = undisturbed(tmp_path / "undisturbed", asked)
    assert len(expected) == 2 * asked.repeat
    for number in range(seed, seed + (ROUNDS if target == "local" else 1)):
        made = disturb(tmp_path / str(number), asked, number, expected)
        assert made.wrong == [], f"LOCKPROOF_CHAOS_SEED={number}: {made}"


def test_a_run_on_a_cluster_that_is_disturbed_comes_to_the_results_of_one_machine(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    seed = int(os.environ.get("LOCKPROOF_CHAOS_SEED", str(time.time_ns() % 10**9)))
    asked = Asked(target="local", repeat=1000, has_disk=os.geteuid() == 0, has_cluster=True)
    made = disturb(tmp_path / str(seed), asked, seed, undisturbed(tmp_path / "undisturbed", asked))
    assert made.wrong == [], f"LOCKPROOF_CHAOS_SEED={seed}: {made}"
