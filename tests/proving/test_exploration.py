# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import fcntl
import json
import re
import signal
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from lockproof.conformance.files import alone
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import load_requirements, load_text
from lockproof.conformance.language.writing import id_of
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.proving.counterexample import Counterexample
from lockproof.runners.models import exhaustive
from lockproof.runners.target import make_target
from tests.command import LOCKPROOF, start, until

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.runners.models.exhaustive import Part

MODELS = ("linux-2.6.16", "posixmlock-2006", "linux-6", "linux-6.12", "linux-6.1", "linux-5.10")


def explored(model: str, pages: int = 3, first: int = 0, past: int | None = None) -> Part:
    return exhaustive.explore(model, first, past or exhaustive.spaces(pages), pages=pages, threads=2)


def broken(part: Part) -> list[Counterexample]:
    pairs = zip(exhaustive.checks(), part.counts, strict=True)
    return [Counterexample(check, count) for check, count in pairs if count.broken]


def prove(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [LOCKPROOF, "prove", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def assert_whole(kept: Path, printed: str) -> None:
    """Every state was counted once, and all that was found in them."""
    whole = explored("posixmlock-2006", 6)
    assert TypeAdapter(exhaustive.Part).validate_json(kept.read_bytes()) == whole
    assert f" {whole.states} states" in printed


def test_every_check_is_of_a_requirement_of_the_catalogue() -> None:
    assert {check.requirement for check in exhaustive.checks()} <= set(load_requirements())


def test_the_reference_model_breaks_nothing_and_every_check_is_met() -> None:
    part = explored("posix", 4)
    assert broken(part) == []
    assert all(count.checked for count in part.counts)


@pytest.mark.parametrize("model", MODELS)
def test_each_counterexample_is_a_case_that_fails_on_its_model_and_passes_on_the_reference(model: str) -> None:
    found = broken(explored(model))
    assert found
    for item in found:
        case = item.case()
        # The reference's munlockall allocates nothing.
        right = Status.UNTESTED if item.count.n and item.call.name == "munlockall" else Status.PASS
        for target, status in ((model, Status.FAIL), ("posix", right)):
            with make_target(f"model:{target}").session() as session:
                trace = next(iter(session.run([compile_case(case)])))
            # No later step can depend on whether a call has failed.
            if item.check.requirement in {"mlockall.failure.future", "quality.merged-layout"} and item.count.n:
                continue
            assert judge(case, trace, load_requirements()).status is status, f"{target}: {item.yaml()}"


@pytest.mark.parametrize("model", MODELS)
def test_the_yaml_of_a_counterexample_is_its_case(model: str) -> None:
    for item in broken(explored(model)):
        (again,) = load_text(item.yaml()).cases
        assert again.name == f"cases/{id_of(item.case().name)}"
        assert replace(again, name=item.case().name, source=item.case().source) == item.case()


def test_what_breaks_a_requirement_first_does_so_in_the_smallest_space() -> None:
    (first, *_) = broken(explored("linux-2.6.16"))
    assert first.check.requirement == "mlock.failure.no-change"
    assert first.short() == "a mlock 0 n=1"


def test_a_picture_shows_what_the_model_did() -> None:
    item = next(item for item in broken(explored("posixmlock-2006")) if item.check.requirement == "quality.layout")
    assert item.short() == "raa mlock 0-1 n=3"
    picture = item.picture("posixmlock-2006")
    assert "mappings ||-" in picture
    assert "mappings |||" in picture
    assert "-> ENOMEM, allocation 3 fails" in picture


def test_parts_add_up_to_the_whole() -> None:
    whole = exhaustive.spaces(3)
    parts = [explored("linux-6", 3, first, past) for first, past in ((0, 64), (64, 200), (200, whole))]
    assert exhaustive.merge(parts) == explored("linux-6")


def test_parts_that_leave_something_out_are_no_whole() -> None:
    with pytest.raises(ValueError, match="leave something out"):
        exhaustive.merge([explored("posix", 3, 0, 64), explored("posix", 3, 128, 192)])


def test_several_models_give_a_table(tmp_path: Path) -> None:
    done = prove("posix", "model:posixmlock-2006", "--pages", "2", "--results", str(tmp_path))
    assert done.returncode == 1
    assert "munlockall.cancels-future       PASS   FAIL _ munlockall" in done.stdout


def test_neighbours_of_a_space_become_one_where_nothing_parts_them(tmp_path: Path) -> None:
    done = prove("linux-6", "--pages", "2", "--results", str(tmp_path))
    # Merging takes memory in Linux, and munlockall ignores that there is none.
    assert re.search(r"^munlockall\.unlocks-all +\d+ +[1-9]\d*  Aa munlockall n=1$", done.stdout, re.MULTILINE)
    assert re.search(r"^mlockall\.current +\d+ +[1-9]\d*  Aa mlockall CURRENT n=1$", done.stdout, re.MULTILINE)


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    done = prove("plan9", "--results", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "model 'plan9': there is none of that name" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_reports_what_was_covered_and_resume_explores_the_rest(
    tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ("posixmlock-2006", "--pages", "6", "-j", "1", "--results", str(tmp_path))
    with start("prove", *arguments, cwd=tmp_path) as running:
        kept = tmp_path / "prove" / "posixmlock-2006-6.json"
        while not kept.exists() and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(number)
        printed, _ = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert "interrupted: " in printed
    done = prove(*arguments, "--resume")
    assert done.returncode == 1
    assert_whole(kept, done.stdout)


def test_what_was_not_kept_by_prove_is_not_resumed(tmp_path: Path) -> None:
    (tmp_path / "prove").mkdir()
    (tmp_path / "prove" / "posix-2.json").write_text("{}", encoding="utf-8")
    done = prove("posix", "--pages", "2", "--results", str(tmp_path), "--resume")
    assert done.returncode == 2
    assert "remove it, or leave out --resume" in done.stderr


@pytest.mark.parametrize(
    "edited",
    [
        {"past": -1},
        {"past": 10**6},
        {"states": -7},
        {"models": "another"},
        {"counts": []},
        {"checked": -1},
        {"broken": -3},
        {"broken": 1, "checked": 1, "space": -5},
        {"broken": 1, "checked": 1, "space": 10**30},
        {"broken": 1, "checked": 1, "call": -1},
        {"broken": 1, "checked": 1, "call": 10**30},
        {"broken": 1, "checked": 1, "n": -2},
    ],
)
def test_a_state_that_was_edited_is_refused_in_one_line(tmp_path: Path, edited: dict[str, object]) -> None:
    assert prove("posix", "--pages", "2", "--results", str(tmp_path)).returncode == 0
    file = tmp_path / "prove" / "posix-2.json"
    state = json.loads(file.read_text())
    state |= {name: value for name, value in edited.items() if name in state}
    if state["counts"]:
        state["counts"][0] |= {name: value for name, value in edited.items() if name in state["counts"][0]}
    file.write_text(json.dumps(state))
    done = prove("posix", "--pages", "2", "--results", str(tmp_path), "--resume")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{file}: is of another version of lockproof; remove it, or leave out --resume\n"


def half_explored(folder: Path, pages: int) -> Path:
    """Explore a part of the address spaces, and return the file with the state."""
    arguments = ("posixmlock-2006", "--pages", str(pages), "-j", "1", "--results", str(folder))
    file = folder / "prove" / f"posixmlock-2006-{pages}.json"
    with subprocess.Popen(
        [LOCKPROOF, "prove", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        until(file.exists)
        running.send_signal(signal.SIGTERM)
    return file


def test_progress_is_not_overwritten_without_resume(tmp_path: Path) -> None:
    file = half_explored(tmp_path, 6)
    before = file.read_bytes()
    done = prove("posixmlock-2006", "--pages", "6", "--results", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"{file}: {json.loads(before)['past']} of 137256 address spaces are explored there; add"
    )
    assert file.read_bytes() == before


def test_what_is_whole_is_not_replaced_by_less(tmp_path: Path) -> None:
    file = half_explored(tmp_path, 6)
    assert prove("posixmlock-2006", "--pages", "6", "--results", str(tmp_path), "--resume").returncode == 1
    whole = file.read_bytes()
    command = [LOCKPROOF, "prove", "posixmlock-2006", "--pages", "6", "-j", "1", "--results", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        until(lambda: is_locked(file))
        running.send_signal(signal.SIGTERM)
    assert file.read_bytes() == whole


def is_locked(file: Path) -> bool:
    with (file.parent / f".{file.name}.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_two_do_not_share_a_state(tmp_path: Path) -> None:
    (tmp_path / "prove").mkdir()
    file = tmp_path / "prove" / "posix-2.json"
    with alone(file):
        done = prove("posix", "--pages", "2", "--results", str(tmp_path))
    assert done.returncode == 3
    assert done.stderr == (
        f"{file}: another lockproof is writing it; wait for that one, or name another folder with --results\n"
    )
    assert not file.exists()


def test_a_cluster_that_loses_a_worker_counts_everything_once(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        arguments = ("posixmlock-2006", "--pages", "6", "--results", str(tmp_path))
        command = [LOCKPROOF, "prove", *arguments]
        with subprocess.Popen(
            [*command, "--scheduler", cluster.scheduler_address], stdout=subprocess.PIPE, text=True
        ) as running:
            kept = tmp_path / "prove" / "posixmlock-2006-6.json"
            while not kept.exists() and running.poll() is None:
                time.sleep(0.01)
            assert running.poll() is None, "it was over before a worker could be killed"
            next(iter(cluster.workers.values())).process.process._process.kill()  # noqa: SLF001
            printed, _ = running.communicate(timeout=120)
    assert running.returncode == 1
    assert_whole(kept, printed)
