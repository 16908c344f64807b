# SPDX-License-Identifier: Apache-2.0
"""The corpus on real targets: the model passes everything, Linux and gVisor are caught where they deviate."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from lockproof.conformance.loading import load
from tests.command import lockproof

UNPRIVILEGED = "command:setpriv --reuid=65534 --regid=65534 --clear-groups {probe}"
TARGETS = [
    "local",
    pytest.param(UNPRIVILEGED, marks=pytest.mark.root),
    pytest.param("gvisor", marks=pytest.mark.gvisor),
]

# What each provocation leaves behind, as the messages of the findings say it.
DEVIATIONS = {
    "mlock/no-change/hole-after-prefix": "became locked",
}


@cache
def results(target: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the whole corpus once on a target; give the exit code and the results by case."""
    with TemporaryDirectory() as folder:
        done = lockproof("run", "-t", target, cwd=Path(folder))
        (run,) = Path(folder, "results").iterdir()
        lines = (run / "results.jsonl").read_text().splitlines()
    assert done.stderr == ""
    return done.returncode, {result["case"]: result for result in map(json.loads, lines)}


def statuses(target: str) -> dict[str, list[str]]:
    """Give the cases of each status."""
    found: dict[str, list[str]] = {}
    for name, result in results(target)[1].items():
        found.setdefault(result["verdict"]["status"], []).append(name)
    return found


def test_there_are_at_least_sixty_cases() -> None:
    assert len(load().cases) >= 60


def test_the_model_of_posix_passes_every_case() -> None:
    code, found = results("model:posix")
    assert {name: result["summary"] for name, result in found.items() if result["verdict"]["status"] != "PASS"} == {}
    assert len(found) == len(load().cases)
    assert code == 0


@pytest.mark.parametrize("target", TARGETS)
def test_every_case_gets_a_verdict_and_none_is_unresolved(target: str) -> None:
    code, found = results(target)
    assert set(found) == {case.name for case in load().cases}
    assert {name: found[name]["summary"] for name in statuses(target).get("UNRESOLVED", [])} == {}
    assert code == 1
