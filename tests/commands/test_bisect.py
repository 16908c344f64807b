# SPDX-License-Identifier: Apache-2.0
"""git bisect is told bad only where the very finding was seen, and nothing where nothing can be said of a commit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lockproof.conformance.commands.bisect import BAD, GOOD, SKIP, answer
from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.running.results import Result
from lockproof.runners.kernels import debian
from tests.command import lockproof
from tests.commands.history import BOOT_FAILURE, BUILD_FAILURE, FIRST_BAD, git, history

CASE = "mlock/no-change/hole-after-prefix"


def result(status: Status, *requirements: str, step: int = 0, reason: str = "") -> Result:
    found = tuple(
        Finding(name, "P", Modality.SHALL, Aspect.LOCKED, "page 2 became locked", (2,), step, 0)
        for name in requirements
    )
    return Result(
        target="t", case="a/b", repetition=1, verdict=Verdict(status, reason, found), checks=("mlock.x",), profile="posix",
        source="a.yaml:1", seconds=0.1,
    )  # fmt: skip


PASS = result(Status.PASS)


@pytest.mark.parametrize(
    ("results", "code", "said"),
    [
        ([PASS], GOOD, "a/b passes"),
        ([PASS, PASS], GOOD, "a/b passes 2 times"),
        ([result(Status.FAIL, "mlock.x")], BAD, "mlock.x: page 2 became locked"),
        ([PASS, result(Status.FAIL, "mlock.y", "mlock.x")], BAD, "mlock.x: page 2 became locked"),
        ([result(Status.FAIL, "mlock.y")], SKIP, "mlock.x was not seen, but FAIL: mlock.y: page 2 became locked"),
        ([result(Status.FAIL, "mlock.x", step=-1)], SKIP, "mlock.x was not seen, but FAIL"),
        ([result(Status.UNRESOLVED, reason="the guest died")], SKIP, "mlock.x was not seen, but UNRESOLVED: the guest died"),
        ([result(Status.UNTESTED)], SKIP, "mlock.x was not seen, but UNTESTED"),
        ([result(Status.UNSUPPORTED), PASS], SKIP, "mlock.x was not seen, but UNSUPPORTED"),
    ],
)  # fmt: skip
def test_a_commit_is_bad_only_where_the_finding_itself_was_seen(results: list[Result], code: int, said: str) -> None:
    text, found = answer(results, "mlock.x")
    assert (found, text[: len(said)]) == (code, said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "no case is called so"),
        ([f"{CASE}#mlock.eagain"], "does not check 'mlock.eagain'"),
        ([CASE], "not a git repository"),
        ([CASE, "--repeat", "0"], "Invalid value for '--repeat'"),
        ([CASE, "--nope"], "No such option"),
        ([CASE, "--repeat", "2", "--repeat", "3"], "given 2 times"),
        ([], "Missing argument"),
    ],
)
def test_what_is_wrong_for_every_commit_ends_the_bisection(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = lockproof("bisect", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (129, "")
    assert said in done.stderr


def test_git_stops_at_once_where_the_tree_is_none_of_linux(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for number in range(4):
        (tmp_path / "file").write_text(f"{number}")
        git(tmp_path, "add", "file")
        git(tmp_path, "commit", "-q", "-m", f"{number}")
    git(tmp_path, "bisect", "start", "HEAD", "HEAD~3")
    command = ["git", "bisect", "run", str(Path(sys.executable).with_name("lockproof")), "bisect", CASE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "not the top of a git work tree of Linux" in done.stdout + done.stderr
    assert "exit code 129" in done.stdout + done.stderr
    assert "first bad commit" not in done.stdout


@pytest.mark.slow
@pytest.mark.kernel_build
@pytest.mark.qemu
def test_git_finds_the_commit_that_broke_mlock(tmp_path: Path) -> None:
    _, source = debian.fetch_source("debian/6.1", lambda _: None)
    subprocess.run(["tar", "-C", tmp_path, "-xf", source], check=True)
    (tree,) = tmp_path.iterdir()
    commits = history(tree)
    git(tree, "bisect", "start", "HEAD", commits[0])
    command = ["git", "bisect", "run", str(Path(sys.executable).with_name("lockproof")), "bisect", CASE]
    environment = os.environ | {"LOCKPROOF_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, env=environment)
    said = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith(tuple(commits))}
    assert f"{git(tree, 'rev-parse', commits[FIRST_BAD]).strip()} is the first bad commit" in done.stdout
    assert ": skipped: it cannot be built: make bzImage failed" in said[commits[BUILD_FAILURE]]
    assert ": skipped: it does not boot: " in said[commits[BOOT_FAILURE]]
    assert said[commits[FIRST_BAD]].endswith(": bad: mlock.failure.no-change: page 2 became locked")
