# SPDX-License-Identifier: Apache-2.0
"""Who runs the suite: what it cannot test without the privilege is UNTESTED with the reason, never PASS."""

from __future__ import annotations

from typing import Any

import pytest

from lockproof.conformance.language.loading import load
from tests.whole_corpus import on, whole_corpus

pytestmark = pytest.mark.root

WITHOUT = (
    "command:setpriv --reuid=65534 --regid=65534 --clear-groups {probe}",  # an unprivileged user
    "command:setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock {probe}",  # root without CAP_IPC_LOCK
    "command:unshare --user --map-root-user {probe}",  # root of a user namespace
)


WHO = [on(target) for target in WITHOUT]


def ran(target: str) -> dict[str, dict[str, Any]]:
    found = whole_corpus(target)
    if "unshare failed" in found.stdout:
        pytest.skip("this kernel gives no user namespace")
    return found.verdicts


@pytest.mark.parametrize("target", WHO)
def test_the_suite_runs_and_resolves_everything(target: str) -> None:
    verdicts = ran(target)
    assert set(verdicts) == {case.name for case in load().cases}
    assert {name: v["reason"] for name, v in verdicts.items() if v["status"] == "UNRESOLVED"} == {}


@pytest.mark.parametrize("target", WHO)
def test_what_needs_the_privilege_is_untested_with_the_reason(target: str) -> None:
    verdicts = ran(target)
    # Of a case that injects a fault it is said first that this kernel cannot.
    able = [case for case in load().cases if not any(step.fault for step in case.steps)]
    privileged = [case.name for case in able if case.privilege == "privileged"]
    assert len(privileged) >= 3
    assert {(verdicts[name]["status"], verdicts[name]["reason"]) for name in privileged} == {
        ("UNTESTED", "needs CAP_IPC_LOCK; run as root")
    }


@pytest.mark.parametrize("target", WHO)
def test_the_limit_binds_there(target: str) -> None:
    verdicts = ran(target)
    for name in (
        "mlock/limits/above-limit[with=no-earlier-locks]",
        "mlock/limits/limit-zero",
        "linux/brk/grows-above-limit",
    ):
        assert (name, verdicts[name]["status"]) == (name, "PASS")
