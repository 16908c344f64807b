# SPDX-License-Identifier: Apache-2.0
"""What examples/ has for other people's runners, run by those runners where they are installed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from lxml import etree

from tests.command import LOCKPROOF, lockproof
from tests.places import CHECKOUT
from tests.reports.lava_reader import read

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = CHECKOUT / "examples"
FAILS, SKIPPED = "mlock/no-change/hole-after-prefix", "mlock/errors/each-allocation"
PATH = f"{os.path.dirname(LOCKPROOF)}:{os.environ['PATH']}"  # noqa: PTH120


@pytest.mark.tmt
def test_tmt_has_a_result_for_each_case_and_shows_why_one_fails(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "tmt", tmp_path / "tmt")
    asked = f"LOCKPROOF_ARGUMENTS='-t local {FAILS} mlock/errors'"
    words = ["tmt", "--feeling-safe", "run", "--id", str(tmp_path / "run"), "--all"]
    words += [
        "--environment",
        f"PATH={PATH}",
        "--environment",
        asked,
        "provision",
        "-h",
        "local",
        "report",
        "-h",
        "junit",
    ]
    done = subprocess.run(words, cwd=tmp_path / "tmt", capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr  # a test failed
    results = yaml.safe_load((tmp_path / "run/plans/lockproof/execute/results.yaml").read_text())
    found = {result["name"].removeprefix("/tests/lockproof/"): result["result"] for result in results}
    assert (found[FAILS], found[SKIPPED], found["mlock/errors/unaligned"]) == ("fail", "skip", "pass")
    junit = etree.parse(next((tmp_path / "run/plans/lockproof/report").rglob("junit.xml")))
    (case,) = (case for case in junit.iter("testcase") if case.get("name") == f"/tests/lockproof/{FAILS}")
    why = case.findtext("failure") or ""
    assert why.startswith("mlock.failure.no-change: after .LL__... permitted .L.__...")
    assert "  after     .LL__...            page 2 became locked" in why


@pytest.mark.autopkgtest
@pytest.mark.parametrize(
    ("case", "said"),
    [
        (FAILS, "posix-profile        FAIL non-zero exit status 1"),
        (SKIPPED, "posix-profile        SKIP exit status 77 and marked as skippable"),
        ("mlock/errors/unaligned", "posix-profile        PASS"),
    ],
)
def test_autopkgtest_fails_skips_and_passes(case: str, said: str, tmp_path: Path) -> None:
    source = shutil.copytree(EXAMPLES / "autopkgtest", tmp_path / "source")
    control = (source / "debian/tests/control").read_text()
    # What is tested here is no package that could be installed.
    (source / "debian/tests/control").write_text(control.replace("Depends: @", "Depends:"))
    (source / "debian/control").write_text(
        "Source: lockproof\nMaintainer: A <a@b>\n\nPackage: lockproof\nArchitecture: all\nDescription: it\n"
    )
    (source / "debian/changelog").write_text(
        "lockproof (1) unstable; urgency=low\n\n  * It.\n\n -- A <a@b>  Mon, 23 Nov 2026 04:30:00 +0000\n"
    )
    words = ["autopkgtest", "--env", f"PATH={PATH}", "--env", f"LOCKPROOF_CASES={case}", "-B", str(source)]
    words += ["-o", str(tmp_path / "out"), "--", "null"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said in (tmp_path / "out/summary").read_text(), done.stderr
    assert etree.parse(tmp_path / "out/artifacts/junit.xml").getroot().tag == "testsuites"


def test_the_steps_of_the_lava_definition_write_signals(tmp_path: Path) -> None:
    definition = yaml.safe_load((EXAMPLES / "lava/lockproof.yaml").read_text())
    assert definition["metadata"]["format"] == "Lava-Test Test Definition 1.0"
    assert re.fullmatch("[-_a-zA-Z0-9.]+", definition["metadata"]["name"])
    (step,) = definition["run"]["steps"]
    environment = {**os.environ, "PATH": PATH, "ARGUMENTS": f"{definition['params']['ARGUMENTS']} {FAILS} {SKIPPED}"}
    done = subprocess.run(
        ["sh", "-ec", step], cwd=tmp_path, capture_output=True, text=True, check=True, env=environment
    )
    assert {name: data["RESULT"] for (_, name), data in read(done.stdout).items()} == {
        "hole-after-prefix": "fail",
        "each-allocation": "skip",
    }


def test_each_line_of_the_kirk_suite_is_a_command_that_lockproof_takes(tmp_path: Path) -> None:
    lines = (EXAMPLES / "kirk/runtest/lockproof").read_text().splitlines()
    tests = [line.partition(" ") for line in lines if not line.startswith("#")]
    assert len({name for name, _, _ in tests}) == len(tests)
    for _, _, command in tests:
        program, *arguments = shlex.split(command)
        assert program == "lockproof"
        done = lockproof(*arguments[: arguments.index("local")], "model:posix", *arguments[-1:], cwd=tmp_path)
        assert done.returncode == 0, done.stderr


@pytest.mark.kirk
def test_kirk_runs_the_suite_and_reads_each_exit_code(tmp_path: Path) -> None:
    root = tmp_path / "ltp"
    (root / "testcases/bin").mkdir(parents=True)  # where kirk starts tests
    shutil.copytree(EXAMPLES / "kirk/runtest", root / "runtest")
    with (root / "runtest/lockproof").open("a") as suite:
        suite.write(f"lockproof_skipped lockproof run --exit-code ltp -t local {SKIPPED}\n")
    words = ["kirk", "--no-colors", "--tmp-dir", str(tmp_path), "--run-suite", "lockproof"]
    words += ["--json-report", str(tmp_path / "kirk.json")]
    environment = {**os.environ, "PATH": PATH, "LTPROOT": str(root)}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {each["test_fqn"]: each for each in json.loads((tmp_path / "kirk.json").read_text())["results"]}
    statuses = {"0": "pass", "1": "fail", "32": "conf"}
    assert {name: each["status"] for name, each in found.items()} == {
        name: statuses[each["test"]["retval"][0]] for name, each in found.items()
    }
    assert (len(found), found["lockproof_mlock"]["status"], found["lockproof_skipped"]["status"]) == (6, "fail", "conf")
    assert "  after     .LL__...            page 2 became locked" in found["lockproof_mlock"]["test"]["log"]
