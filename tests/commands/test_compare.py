# SPDX-License-Identifier: Apache-2.0
"""`lockproof compare`, started as its user would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.command import SMALL, lockproof

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold three runs: both cases on the model and on Linux of 2006, which breaks one, and one case only."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "cases.yaml").write_text(SMALL)
    for name, targets, cases in (
        ("kept", ("model:posix",), ()),
        ("broken", ("model:linux-2.6.16",), ()),
        ("both", ("model:posix", "model:linux-2.6.16"), ()),
        ("part", ("model:posix",), ("cases/success",)),
    ):
        words = [word for target in targets for word in ("-t", target)]
        done = lockproof("run", *words, "--cases", "cases.yaml", *cases, cwd=folder)
        assert done.stderr == ""
        (run,) = (path for path in (folder / "results").iterdir() if path.name[0] == "2")
        run.rename(run.with_name(name))
    return folder


def test_the_lists_are_printed_and_a_new_failure_ends_with_1(folder: Path) -> None:
    done = lockproof("compare", "kept", "broken", "--json", "out.json", cwd=folder)
    assert done.returncode == 1
    head, *lists = done.stdout.rstrip().split("\n\n")
    assert head == "kept model:posix → broken model:linux-2.6.16"
    assert lists == [
        "new failures: 1\n  cases/hole-after-prefix: FAIL (mlock.failure.no-change: page 2 became locked), was PASS",
        *(f"{name}: none" for name in ("fixed", "changed findings", "new cases", "gone cases", "still unresolved")),
    ]
    found = json.loads((folder / "out.json").read_text())
    assert [each["after"]["findings"] for each in found["new_failures"]] == [["mlock.failure.no-change:locked"]]


def test_what_is_fixed_ends_with_0(folder: Path) -> None:
    done = lockproof("compare", "broken", "kept", cwd=folder)
    assert done.returncode == 0
    assert "fixed: 1\n  cases/hole-after-prefix: PASS, was FAIL" in done.stdout


def test_targets_of_one_run_are_compared_by_their_names(folder: Path) -> None:
    assert lockproof("compare", "both#model:posix", "both#model:linux-2.6.16", cwd=folder).returncode == 1
    assert lockproof("compare", "kept", "both#model:posix", cwd=folder).returncode == 0


def test_a_partial_run_is_called_so(folder: Path) -> None:
    done = lockproof("compare", "kept", "part", cwd=folder)
    assert done.returncode == 0
    assert "gone cases: none" in done.stdout
    assert "is partial, only cases/success was asked for" in done.stdout
    assert "1 case was not run in both" in done.stdout


def test_runs_that_should_be_the_same_are_told_apart(folder: Path) -> None:
    assert lockproof("compare", "--same", "kept", "part", cwd=folder).returncode == 0
    (folder / "again").mkdir(exist_ok=True)
    for name in ("run.json", "results.jsonl"):
        text = (folder / "results" / "kept" / name).read_text()
        (folder / "again" / name).write_text(text.replace('"status":"PASS"', '"status":"UNTESTED"', 1))
    done = lockproof("compare", "--same", "kept", "again", cwd=folder)
    assert done.returncode == 1
    assert "  model:posix  cases/hole-after-prefix\n    PASS in kept\n    UNTESTED in again\n" in done.stdout


def test_a_baseline_is_compared_like_a_run(folder: Path) -> None:
    update = ("baseline", "update", "broken", "--baseline", "known.yaml", "--cases", "cases.yaml")
    assert lockproof(*update, cwd=folder).returncode == 0
    made = folder / "known.yaml"
    assert not made.exists()  # a model is nowhere: nothing can be known of it
    made.write_text("[]")
    done = lockproof("compare", "known.yaml", "broken", cwd=folder)
    assert done.returncode == 1
    assert done.stdout.startswith("known.yaml model:linux-2.6.16 → broken model:linux-2.6.16\n\nnew failures: 1\n")
    assert lockproof("compare", "known.yaml", "known.yaml", cwd=folder).returncode == 0


def test_hostile_results_are_compared_without_harm(folder: Path) -> None:
    (folder / "hostile").mkdir()
    for name in ("run.json", "results.jsonl"):
        text = (folder / "results" / "broken" / name).read_text()
        text = text.replace("page 2 became locked", "\\u001b[31m]]></script>#")
        (folder / "hostile" / name).write_text(text)
    done = lockproof("compare", "kept", "hostile", "--json", "hostile.json", cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    assert "\\x1b[31m]]>" in done.stdout
    assert "\x1b" not in done.stdout
    (only,) = json.loads((folder / "hostile.json").read_text())["new_failures"]
    assert only["after"]["said"].endswith("\x1b[31m]]></script>#")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["kept"], "1 run to compare; name two, or add --same"),
        (["kept", "brokn"], "did you mean broken?"),
        (["kept", "both#local"], "no target 'local'; write one of: model:posix, model:linux-2.6.16"),
        (["kept", "broken", "--same"], "no case was run twice on a target of the same name"),
    ],
)
def test_a_mistake_gets_one_line(folder: Path, arguments: list[str], said: str) -> None:
    done = lockproof("compare", *arguments, cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr
