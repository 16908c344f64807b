# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import StoreError, UsageError
from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.running.manifest import Manifest
from lockproof.conformance.running.results import Result
from lockproof.conformance.running.store import RunFolder, read_run
from tests.helpers import target_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST = Manifest(
    run="20261123T043000",
    lockproof="0.1.0",
    cases=None,
    selection=("mlock/no-change",),
    corpus="0123456789abcdef",
    targets=("local", "model:posix"),
    repeat=2,
    time_limit=30.0,
    started="2026-11-23T04:30:00+00:00",
)
RESULT = Result(
    target="local",
    case="mlock/no-change/hole[of=shm]",
    repetition=1,
    verdict=Verdict(
        Status.FAIL,
        "",
        (
            Finding("mlock.no-change", "POSIX", Modality.SHALL, Aspect.LOCKED, "page 2 became locked", (2,), 0, 0, ".LL", ".L."),
        ),
    ),
    checks=("mlock.no-change",),
    profile="posix",
    source="cases/mlock/no-change.yaml:4",
    seconds=0.001234,
    trace=('{"before":{"locked":{"smaps":".L."},"resident":null,"accounted":1}}', '{"end":"p0 \\"é,]}"}'),
)  # fmt: skip


def manifest() -> Manifest:
    return replace(MANIFEST)


def numbered(number: int) -> Result:
    return replace(RESULT, repetition=number)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    made = RunFolder.create(tmp_path, manifest())
    yield made
    made.close()


def test_what_is_appended_is_read_again(folder: RunFolder) -> None:
    results = [RESULT, replace(RESULT, verdict=Verdict(Status.PASS), trace=()), numbered(2)]
    for result in results:
        folder.append(result)
    assert list(folder.results()) == results


def test_every_result_is_one_line_of_json(folder: RunFolder) -> None:
    folder.append(RESULT)
    folder.append(RESULT)
    lines = (folder.path / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0])["verdict"]["findings"][0]["pages"] == [2]


def test_a_run_that_is_resumed_goes_on_where_it_ended(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path, manifest())
    first.append(numbered(1))
    first.close()
    second = RunFolder.resume(tmp_path, MANIFEST.run)
    second.append(numbered(2))
    assert [result.key for result in second.results()] == [
        ("local", "mlock/no-change/hole[of=shm]", 1),
        ("local", "mlock/no-change/hole[of=shm]", 2),
    ]
    second.close()


def test_a_run_is_read_while_it_is_written_and_each_result_once(folder: RunFolder, tmp_path: Path) -> None:
    for result in (numbered(1), numbered(1), numbered(2), numbered(3)):
        folder.append(result)
    file = folder.path / "results.jsonl"
    file.write_bytes(file.read_bytes()[:-1])
    for results, name in ((tmp_path, MANIFEST.run), (tmp_path / "nowhere", str(folder.path))):
        manifest, tally = read_run(results, name)
        assert manifest == MANIFEST
        assert [entry.repetitions for entry in tally.cases.values()] == [2]


def test_a_last_line_that_was_cut_is_removed(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path, manifest())
    first.append(numbered(1))
    first.append(numbered(2))
    first.close()
    file = first.path / "results.jsonl"
    whole = file.read_bytes()
    end_of_first = whole.index(b"\n") + 1
    for length in (end_of_first + 1, len(whole) - 1):
        file.write_bytes(whole[:length])
        resumed = RunFolder.resume(tmp_path, MANIFEST.run)
        assert list(resumed.results()) == [numbered(1)]
        resumed.close()
        assert file.read_bytes() == whole[:end_of_first]


def test_a_run_without_results_can_be_resumed(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, manifest()).close()
    (tmp_path / MANIFEST.run / "results.jsonl").unlink()
    resumed = RunFolder.resume(tmp_path, MANIFEST.run)
    assert list(resumed.results()) == []
    resumed.close()


def test_a_damaged_line_in_the_middle_is_named(folder: RunFolder) -> None:
    folder.append(numbered(1))
    folder.append(numbered(2))
    file = folder.path / "results.jsonl"
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first[:40] + b"\n" + second)
    with pytest.raises(StoreError) as caught:
        list(folder.results())
    why = "it does not end with a trace"
    assert str(caught.value) == f"{file}:1: no result: {why}; remove the line to run it again"


def test_a_line_that_is_json_but_no_result_is_named(folder: RunFolder) -> None:
    folder.append(RESULT)
    file = folder.path / "results.jsonl"
    file.write_bytes(file.read_bytes() + b'{"target":"local","trace":[]}\n')
    with pytest.raises(StoreError) as caught:
        list(folder.results())
    assert str(caught.value) == f"{file}:2: no result: case: Field required; remove the line to run it again"


def test_the_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    asked = replace(
        MANIFEST,
        cases="/somewhere/é",
        finished="2026-11-23T04:31:00+00:00",
        info={"local": target_info()},
    )
    RunFolder.create(tmp_path, asked).close()
    resumed = RunFolder.resume(tmp_path, MANIFEST.run)
    assert resumed.manifest == asked
    resumed.close()


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    folders = [RunFolder.create(tmp_path, manifest()) for _ in range(3)]
    assert [folder.path.name for folder in folders] == [MANIFEST.run, f"{MANIFEST.run}-2", f"{MANIFEST.run}-3"]
    assert [json.loads((folder.path / "run.json").read_bytes())["run"] for folder in folders] == [
        folder.path.name for folder in folders
    ]
    for folder in folders:
        folder.close()


def test_a_second_process_is_locked_out(folder: RunFolder) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from lockproof.conformance.running.store import RunFolder, read_run\n"
        "from lockproof.conformance.errors import StoreError\n"
        "try: RunFolder.resume(Path(sys.argv[1]), sys.argv[2])\n"
        "except StoreError as error: print(error)\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", script, folder.path.parent, folder.path.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.stdout == (
        f"{folder.path}: another lockproof is writing this run; wait for it, or start a run of its own\n"
    ), other.stderr
    folder.append(RESULT)
    assert list(folder.results()) == [RESULT]


def test_a_line_under_way_is_not_cut_by_a_second_process(folder: RunFolder) -> None:
    file = folder.path / "results.jsonl"
    with file.open("ab") as half:
        half.write(b'{"half')
    with pytest.raises(StoreError):
        RunFolder.resume(folder.path.parent, folder.path.name)
    assert file.read_bytes() == b'{"half'


def test_a_run_that_was_closed_is_free_again(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, manifest()).close()
    RunFolder.resume(tmp_path, MANIFEST.run).close()
    RunFolder.resume(tmp_path, MANIFEST.run).close()


def fill(folder: RunFolder) -> None:
    for repetition in range(1000):
        folder.append(numbered(repetition))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a file system that holds 64 KiB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


@pytest.mark.root
def test_a_full_file_system_keeps_whole_lines_only(small: Path) -> None:
    folder = RunFolder.create(small, manifest())
    file = folder.path / "results.jsonl"
    with pytest.raises(StoreError) as caught:
        fill(folder)
    assert str(caught.value) == (
        f"{file}: No space left on device; what was recorded before is kept, make room and run again with --resume"
    )
    assert file.read_bytes().endswith(b"\n")
    written = [result.repetition for result in folder.results()]
    assert len(written) > 10
    assert written == list(range(len(written)))
    folder.close()
    resumed = RunFolder.resume(small, MANIFEST.run)
    assert [result.repetition for result in resumed.results()] == written
    resumed.close()


@pytest.mark.root
def test_a_file_for_which_there_is_no_room_leaves_nothing(small: Path) -> None:
    folder = RunFolder.create(small, manifest())
    with pytest.raises(StoreError) as caught:
        folder.write("junit.xml", "x" * 65536)
    assert str(caught.value).startswith(f"{folder.path / 'junit.xml'}: No space left on device; ")
    assert sorted(path.name for path in folder.path.iterdir()) == ["results.jsonl", "run.json"]
    folder.close()


@pytest.mark.root
def test_a_full_file_system_is_said_where_a_run_begins(small: Path) -> None:
    (small / "fill").write_bytes(bytes(65536))
    with pytest.raises(StoreError) as caught:
        RunFolder.create(small, manifest())
    assert "No space left on device" in str(caught.value)


def test_a_file_is_written_whole_or_not_at_all(folder: RunFolder) -> None:
    folder.write("junit.xml", "old")
    with pytest.raises(UnicodeEncodeError):
        folder.write("junit.xml", "new\ud800")
    assert (folder.path / "junit.xml").read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in folder.path.iterdir()) == ["junit.xml", "results.jsonl", "run.json"]


@pytest.mark.parametrize(
    ("content", "what"),
    [("", "EOF"), ("{}", "Field required"), ('{"run": 1', "EOF"), ("\x00", "expected value")],
)
def test_a_damaged_manifest_is_said_in_one_line(tmp_path: Path, content: str, what: str) -> None:
    RunFolder.create(tmp_path, manifest()).close()
    file = tmp_path / MANIFEST.run / "run.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(StoreError) as caught:
        RunFolder.resume(tmp_path, MANIFEST.run)
    assert str(caught.value).startswith(f"{file}: cannot be read as a run: ")
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_run_is_a_usage_error_with_a_suggestion(folder: RunFolder) -> None:
    results = folder.path.parent
    with pytest.raises(UsageError) as caught:
        RunFolder.resume(results, "20261123T043001")
    assert str(caught.value) == (f"run '20261123T043001': no such run in {results}; did you mean 20261123T043000?")


def test_where_there_is_no_run_there_is_no_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        RunFolder.resume(tmp_path / "nothing", "x")
    assert str(caught.value) == f"run 'x': no such run in {tmp_path / 'nothing'}; there is none yet"


def test_results_that_cannot_be_made_are_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError) as caught:
        RunFolder.create(tmp_path / "file", manifest())
    assert str(caught.value).startswith(f"{tmp_path / 'file'}: Not a directory; ")
