# SPDX-License-Identifier: Apache-2.0
"""Who runs the suite: what it cannot test without the privilege is UNTESTED with the reason, never PASS."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from lockproof.conformance.language.loading import load
from tests.command import lockproof, results

pytestmark = pytest.mark.root

WITHOUT = {
    "unprivileged user": "command:setpriv --reuid=65534 --regid=65534 --clear-groups {probe}",
    "root without CAP_IPC_LOCK": "command:setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock {probe}",
    "root of a user namespace": "command:unshare --user --map-root-user {probe}",
}


@cache
def ran(who: str) -> dict[str, dict[str, Any]]:
    with TemporaryDirectory() as folder:
        done = lockproof("run", "-t", WITHOUT[who], cwd=Path(folder))
        if "unshare failed" in done.stdout:
            pytest.skip("this kernel gives no user namespace")
        return {line["case"]: line["verdict"] for line in results(Path(folder))}


@pytest.mark.parametrize("who", WITHOUT)
def test_the_suite_runs_and_resolves_everything(who: str) -> None:
    verdicts = ran(who)
    assert set(verdicts) == {case.name for case in load().cases}
    assert {name: v["reason"] for name, v in verdicts.items() if v["status"] == "UNRESOLVED"} == {}


@pytest.mark.parametrize("who", WITHOUT)
def test_what_needs_the_privilege_is_untested_with_the_reason(who: str) -> None:
    verdicts = ran(who)
    privileged = [case.name for case in load().cases if case.privilege == "privileged"]
    assert len(privileged) >= 3
    assert {(verdicts[name]["status"], verdicts[name]["reason"]) for name in privileged} == {
        ("UNTESTED", "needs CAP_IPC_LOCK; run as root")
    }


@pytest.mark.parametrize("who", WITHOUT)
def test_the_limit_binds_there(who: str) -> None:
    verdicts = ran(who)
    for name in (
        "mlock/limits/above-limit[with=no-earlier-locks]",
        "mlock/limits/limit-zero",
        "linux/brk/grows-above-limit",
    ):
        assert (name, verdicts[name]["status"]) == (name, "PASS")
