# SPDX-License-Identifier: Apache-2.0
"""A run that is resumed goes on as it began: with the same cases, targets and kernel, and runs nothing unasked."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING

import pytest

from lockproof.runners.probe.compiled import host_probe
from tests.command import LOCKPROOF, lockproof, results

if TYPE_CHECKING:
    from pathlib import Path

HOLE, SUCCESS = "mlock/hole-after-prefix", "mlock/success"


def run_in(small: Path, *targets: str) -> Path:
    """Run both cases, and return the folder of the run."""
    given = [word for target in targets for word in ("-t", target)]
    lockproof("run", *given, "--cases", "small", cwd=small)
    (run,) = (small / "results").iterdir()
    return run


def edit(run: Path, **fields: object) -> None:
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(manifest | fields).replace("Infinity", "1e999"))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"repeat": -1}, "repeat: Input should be greater than or equal to 1"),
        ({"repeat": 0}, "repeat: Input should be greater than or equal to 1"),
        ({"repeat": float("inf")}, "repeat: "),
        ({"time_limit": float("inf")}, "time_limit: Input should be "),
        ({"time_limit": -5}, "time_limit: Input should be greater than 0"),
        ({"time_limit": 1e300}, "time_limit: Input should be less than or equal to 86400"),
        ({"targets": []}, "targets: Tuple should have at least 1 item"),
        ({"targets": ["model:posix", "model:posix"]}, "Value error, a target stands there twice"),
        ({"targets": "local"}, "targets: Input should be a valid array"),
        ({"selection": None}, "selection: Input should be a valid array"),
    ],
)
def test_an_edited_run_is_refused_in_one_line(small: Path, fields: dict[str, object], why: str) -> None:
    run = run_in(small, "model:posix")
    edit(run, **fields)
    before = (run / "results.jsonl").read_bytes()
    done = lockproof("run", "--resume", run.name, cwd=small)
    assert done.returncode == 3
    assert done.stderr.startswith(f"results/{run.name}/run.json: cannot be read as a run: {why}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert (run / "results.jsonl").read_bytes() == before


def test_a_run_of_another_version_is_not_resumed(small: Path) -> None:
    run = run_in(small, "model:posix")
    edit(run, lockproof="0.0.1")
    done = lockproof("run", "--resume", run.name, cwd=small)
    said = f"run '{run.name}': lockproof 0.0.1 began it, and this is another version; start a new run\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_lines_of_what_the_run_does_not_have_are_counted_and_said(small: Path) -> None:
    run = run_in(small, "model:posix")
    file = run / "results.jsonl"
    hole, success = file.read_text().splitlines(keepends=True)
    others = [
        hole.replace(HOLE, "mlock/of-another-run"),
        hole.replace('"target":"model:posix"', '"target":"local"'),
        hole.replace('"repetition":1', '"repetition":2'),
    ]
    file.write_text("".join([hole, *others, hole, success]))
    done = lockproof("run", "--resume", run.name, cwd=small)
    assert done.returncode == 0, done.stderr
    where = f"results/{run.name}/results.jsonl"
    assert done.stdout.startswith(
        f"{where}: 3 lines of cases, targets or repetitions that this run does not have; left out\n"
        f"{where}: 1 line of what stands there before; the first counts\n"
    )
    assert " 2     0           0            0         0" in done.stdout


def test_what_was_unresolved_is_tried_again_and_its_lines_are_kept_aside(small: Path) -> None:
    (small / "works").write_text("false")
    target = "command:sh -c '$(cat works) && exec {probe}'"
    run = run_in(small, target, "model:posix")
    first = results(small)
    assert [result["verdict"]["status"] for result in first].count("UNRESOLVED") == 2
    (small / "works").write_text("true")
    again = f"lockproof run --resume {run.name} -t '{target.replace(chr(39), chr(39) + chr(34) + chr(39) + chr(34) + chr(39))}'"
    done = subprocess.run(
        ["sh", "-c", again.replace("lockproof", LOCKPROOF, 1)], cwd=small, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("2 UNRESOLVED of the earlier run: tried again\n")
    statuses = {(result["target"], result["case"]): result["verdict"]["status"] for result in results(small)}
    assert statuses == {
        (target, HOLE): "FAIL",
        (target, SUCCESS): "PASS",
        ("model:posix", HOLE): "PASS",
        ("model:posix", SUCCESS): "PASS",
    }
    aside = [json.loads(line) for line in (run / "retried.jsonl").read_text().splitlines()]
    assert aside == [result for result in first if result["verdict"]["status"] == "UNRESOLVED"]
    assert len(results(small)) == 4


def test_the_end_of_a_run_says_how_to_try_again(small: Path) -> None:
    done = lockproof("run", "-t", "command:false", "--cases", "small", "--results", "other place", cwd=small)
    (run,) = (small / "other place").iterdir()
    hint = f"lockproof run --resume {run.name} --results 'other place' -t command:false"
    assert done.stdout.splitlines()[-1] == f"2 UNRESOLVED; {hint} tries them again"


def test_a_run_starts_a_command_only_where_that_is_given_again(small: Path) -> None:
    run = run_in(small, "model:posix")
    target = "command:touch started"
    edit(run, targets=["model:posix", target])
    done = lockproof("run", "--resume", run.name, cwd=small, stdin=subprocess.DEVNULL)
    how = f"lockproof run --resume {run.name} -t '{target}'"
    said = f"run '{run.name}': it starts a command, '{target}'; where you want that, run: {how}\n"
    assert (done.returncode, done.stderr) == (2, said)
    assert not (small / "started").exists()

    done = lockproof("run", "--resume", run.name, "-t", "command:true", cwd=small)
    assert done.returncode == 2
    assert done.stderr.startswith(f"run '{run.name}': 'command:true' is none of its targets; ")
    assert not (small / "started").exists()

    lockproof("run", "--resume", run.name, "-t", target, cwd=small)
    assert (small / "started").exists()


@pytest.mark.parametrize(("answer", "is_started"), [("n", False), ("", False), ("y", True)])
def test_somebody_at_a_terminal_is_asked(small: Path, answer: str, is_started: bool) -> None:  # noqa: FBT001
    run = run_in(small, "model:posix")
    edit(run, targets=["model:posix", "command:touch started"])
    ours, theirs = pty.openpty()
    command = [LOCKPROOF, "run", "--resume", run.name]
    process = subprocess.Popen(command, cwd=small, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(ours, 1000)
    assert b"The run starts a command: command:touch started" in said
    os.write(ours, f"{answer}\n".encode())
    process.wait(60)
    os.close(ours)
    assert (small / "started").exists() == is_started


def test_a_kernel_of_the_same_name_and_another_build_is_another_one(small: Path) -> None:
    (small / "build").write_text("aaaa")
    replaced = 's/"build_id":"[0-9a-f]*"/"build_id":"\'$(cat build)\'"/'
    (small / "probe.sh").write_text(f"exec {host_probe()} | sed -u '{replaced}'\n")
    target = "command:sh probe.sh"
    run = run_in(small, target)
    first = (run / "results.jsonl").read_text().splitlines(keepends=True)[0]
    (run / "results.jsonl").write_text(first)
    (small / "build").write_text("bbbb")
    done = lockproof("run", "--resume", run.name, "-t", target, cwd=small)
    assert done.returncode == 2
    assert f"run '{run.name}': it began on build aaaa, " in done.stderr
    assert "but build bbbb, " in done.stderr
    assert (run / "results.jsonl").read_text() == first


@pytest.mark.root
def test_a_full_disk_before_anything_ran_is_not_told_to_resume(small: Path) -> None:
    disk = small / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k,nr_inodes=100", "tmpfs", disk], check=True)
    try:
        (disk / "fill").write_bytes(bytes(8192))
        done = lockproof("run", "-t", "model:posix", "--cases", "small", "--results", str(disk), cwd=small)
        left = [path.name for path in disk.iterdir()]
    finally:
        subprocess.run(["umount", disk], check=True)
    assert done.returncode == 3
    full = "No space left on device; nothing has run; make room, or choose another folder with --results"
    assert done.stderr.endswith(f": {full}\n")
    assert left == ["fill"]
