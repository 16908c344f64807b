# SPDX-License-Identifier: Apache-2.0
"""The stream of events of `lockproof run --events`, as a program reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.command import SMALL, lockproof
from tests.helpers import write

if TYPE_CHECKING:
    from pathlib import Path


def test_the_stream_has_standard_output_for_itself(tmp_path: Path) -> None:
    cases = str(write(tmp_path, SMALL))
    done = lockproof("run", "-t", "model:posix", "--cases", cases, "--events", "-", cwd=tmp_path)
    assert done.returncode == 0
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["started", "result", "result", "ended"]
    assert events[0]["info"]["release"] == "posix"
    assert events[1]["verdict"] == "PASS"
    assert events[1]["findings"] == []
    assert "model:posix" in done.stderr


def test_a_file_has_each_finding(tmp_path: Path) -> None:
    cases = str(write(tmp_path, SMALL))
    target = "model:linux-6"
    lockproof("run", "-t", target, "--cases", cases, "--events", "events.jsonl", cwd=tmp_path)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    (failed,) = (event for event in events if event.get("verdict") == "FAIL")
    assert failed["findings"] == [
        {"requirement": "mlock.failure.no-change", "aspect": "locked", "message": "page 2 became locked"}
    ]


def test_a_stream_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    cases = str(write(tmp_path, SMALL))
    done = lockproof("run", "-t", "model:posix", "--cases", cases, "--events", "no/such/file", cwd=tmp_path)
    assert done.returncode == 3
    why = "no/such/file: cannot be written: No such file or directory; name another file with --events"
    assert done.stderr.splitlines() == [why]
    assert not (tmp_path / "results").exists()


def test_a_stream_without_room_ends_the_run_and_keeps_what_is_recorded(tmp_path: Path) -> None:
    cases = str(write(tmp_path, SMALL))
    done = lockproof("run", "-t", "model:posix", "--cases", cases, "--events", "/dev/full", cwd=tmp_path)
    assert done.returncode == 3
    why = "/dev/full: cannot be written: No space left on device; what was recorded is kept, go on with --resume"
    assert done.stderr.splitlines() == [why]
