# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import yaml

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.tmt import tmt
from tests.reports.made_up import KNOWN, manifest, message, result, run


def results(files: Any) -> dict[str, Any]:  # noqa: ANN401
    return {entry["name"]: entry for entry in yaml.safe_load(files["results.yaml"])}


def test_every_verdict_has_its_result_and_its_note() -> None:
    known = result(Status.FAIL, "mlock/known")
    found = results(tmt([run(*(result(status, f"a/{status}") for status in Status), known, baselines=(KNOWN,))], ""))
    failed = message(Status.FAIL, "why it is FAIL")
    assert {name: (entry["result"], entry.get("note")) for name, entry in found.items()} == {
        "/a/PASS": ("pass", None),
        "/a/FAIL": ("fail", [failed]),
        "/a/UNRESOLVED": ("error", ["why it is UNRESOLVED"]),
        "/a/UNSUPPORTED": ("skip", ["UNSUPPORTED: why it is UNSUPPORTED"]),
        "/a/UNTESTED": ("skip", ["UNTESTED: why it is UNTESTED"]),
        "/mlock/known": ("info", [f"XFAIL keeps-prefix: {failed}"]),
    }


def test_a_failure_has_its_picture_and_a_list_of_failures() -> None:
    files = tmt([run(result(Status.FAIL, "a/b[n=1/2]", seconds=3723.9))], "")
    entry = results(files)["/a/b[n=1/2]"]
    assert entry["log"] == ["a/b[n=1/2]/output.txt", "a/b[n=1/2]/failures.yaml"]
    assert entry["duration"] == "01:02:03"
    picture = files[entry["log"][0]]
    assert "  permitted .L.__...            mlock.no-change (POSIX)\n" in picture
    assert yaml.safe_load(files[entry["log"][1]]) == [message(Status.FAIL, "why it is FAIL"), picture]


def test_several_targets_come_first_in_names() -> None:
    targets = ("qemu:debian/6.12", "model:posix")
    made = run(*(result(Status.PASS, target=target) for target in targets), of=manifest(*targets))
    assert list(results(tmt([made], ""))) == [
        "/qemu-debian-6_12/mlock/no-change/hole",
        "/model-posix/mlock/no-change/hole",
    ]


def test_no_name_leads_out_of_the_folder() -> None:
    names = ("../../etc/passwd", "/etc/passwd", "a/./../b", ".", "a b/\x00")
    files = tmt([run(*(result(Status.FAIL, name) for name in names))], "")
    for name in files:
        assert not name.startswith("/")
        assert not {"", ".", ".."} & set(name.split("/"))
