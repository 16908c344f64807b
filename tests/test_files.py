# SPDX-License-Identifier: Apache-2.0
"""Files are written whole or not at all, and where they cannot be, a line says what to do."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import StoreError
from lockproof.conformance.files import read_input, replacing, write_whole
from tests.command import LOCKPROOF, SMALL, lockproof

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_made_and_its_folder_is_not(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "ä\n", "choose another")
    assert (tmp_path / "file").read_bytes() == "ä\n".encode()
    with pytest.raises(StoreError) as caught:
        write_whole(tmp_path / "a" / "file", "text", "choose another")
    assert str(caught.value).endswith("a/file: cannot be written: No such file or directory; choose another")
    assert not (tmp_path / "a").exists()


def test_whoever_has_the_old_file_open_goes_on_reading_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with path.open() as reader:
        write_whole(path, "new", "choose another")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_an_error_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as new:
            new.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "old")]


def test_what_a_lockproof_that_was_killed_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".file.new").write_text("half, and much longer than the whole")
    write_whole(tmp_path / "file", "whole", "choose another")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "whole")]


def test_a_link_or_a_device_stays_what_it_is_and_gets_the_text(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", "text", "choose another")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"

    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        write_whole(tmp_path / "pipe", "text", "choose another")
        assert reader.communicate()[0] == b"text"
    assert (tmp_path / "pipe").is_fifo()


def test_what_cannot_be_written_is_one_line_with_the_hint(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "below"
    with pytest.raises(StoreError) as caught:
        write_whole(path, "text", "choose another")
    assert str(caught.value) == f"{path}: cannot be written: Not a directory; choose another"


def test_what_is_read_is_what_is_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text\xff")
    (tmp_path / "link").symlink_to("file")
    assert read_input(tmp_path / "file") == read_input(tmp_path / "link") == b"text\xff"


def strange_files(folder: Path) -> dict[str, Path]:
    """Make what is no regular file, or has no end in sight, by what is wrong with it."""
    os.mkfifo(folder / "pipe.yaml", 0o700)
    (folder / "device.yaml").symlink_to("/dev/zero")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "folder").mkdir()
    (folder / "large").touch()
    os.truncate(folder / "large", 1 << 40)  # it takes no room
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket.yaml"))
    return {
        "Not a regular file": folder / "pipe.yaml",
        "Not a regular file ": folder / "device.yaml",
        "Too many levels of symbolic links": folder / "loop.yaml",
        "Is a directory": folder / "folder",
        "Larger than 256 MiB": folder / "large",
        "No such device or address": folder / "socket.yaml",
    }


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    for why, path in strange_files(tmp_path).items():
        with pytest.raises(OSError, match=why.strip()):
            read_input(path)


FILES = {
    "a case file": ("run", "-t", "model:posix", "--cases", "FILE"),
    "cases to list": ("cases", "--cases", "FILE"),
    "a baseline": ("run", "-t", "model:posix", "mlock/success", "--baseline", "FILE"),
    "a baseline to check": ("baseline", "check", "--baseline", "FILE"),
    "a baseline to write": ("baseline", "update", "none", "--baseline", "FILE"),
    "a C library": ("libc", "FILE"),
    "a program": ("inject", "--", "FILE"),
    "a patch": ("kernel", "build", "/nonexistent", "--patch", "FILE"),
    "a fragment": ("kernel", "build", "/nonexistent", "--config", "FILE"),
    "sources": ("kernel", "build", "FILE"),
    "a kernel": ("run", "-t", "qemu:FILE", "mlock/success"),
}


@pytest.mark.parametrize("command", FILES.values(), ids=FILES)
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "socket"])
def test_a_command_waits_for_no_file_that_is_none(command: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    strange_files(tmp_path)
    arguments = [word.replace("FILE", f"./{kind}.yaml") for word in command]
    done = subprocess.run(
        [LOCKPROOF, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in {2, 3}
    assert done.stderr.count("\n") == 1
    assert "unexpected" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_an_empty_path_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(SMALL)
    for option in ("--cases", "--baseline", "--results"):
        done = lockproof("run", "-t", "model:posix", option, "", cwd=tmp_path)
        assert done.returncode == 2
        assert f"Invalid value for '{option}': the path is empty; write one" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cases.yaml"]


def test_a_link_that_leads_back_is_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "small.yaml").write_text(SMALL)
    (tmp_path / "cases" / "loop").symlink_to(".")
    done = lockproof("cases", "--cases", "cases", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    where = (tmp_path / "cases").resolve()
    assert done.stderr == f"cases/loop: leads to {where}, whose cases are read already; remove the link\n"


def test_a_baseline_for_which_there_is_no_folder_is_not_written(tmp_path: Path) -> None:
    assert lockproof("run", "-t", "local", "mlock/no-change", cwd=tmp_path).returncode == 1
    (run,) = (tmp_path / "results").iterdir()
    done = lockproof("baseline", "update", run.name, "--baseline", "nosuch/x.yaml", cwd=tmp_path)
    assert done.returncode in {2, 3}
    assert done.stderr.startswith("nosuch/x.yaml: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "nosuch").exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "socket", "folder"])
def test_a_run_waits_for_no_results_that_are_no_file(kind: str, tmp_path: Path) -> None:
    lockproof("run", "-t", "model:posix", "mlock/success/locks-the-range", cwd=tmp_path)
    (run,) = (tmp_path / "results").iterdir()
    strange_files(tmp_path)
    (run / "results.jsonl").unlink()
    (tmp_path / (kind if kind == "folder" else f"{kind}.yaml")).rename(run / "results.jsonl")
    if kind == "loop":
        (run / "results.jsonl").unlink()
        (run / "results.jsonl").symlink_to("results.jsonl")
    for command in (("run", "--resume", run.name), ("report", run.name, "--as", "junit")):
        done = subprocess.run(
            [LOCKPROOF, *command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode in {2, 3}
        assert done.stderr.count("\n") == 1, done.stderr
        assert "unexpected" not in done.stderr


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "loop"])
def test_a_proof_waits_for_no_state_that_is_no_file(kind: str, tmp_path: Path) -> None:
    strange_files(tmp_path)
    (tmp_path / "results" / "prove").mkdir(parents=True)
    state = tmp_path / "results" / "prove" / "posix-1.json"
    if kind == "loop":
        state.symlink_to(state.name)
    else:
        (tmp_path / f"{kind}.yaml").rename(state)
    command = [LOCKPROOF, "prove", "posix", "--pages", "1", "--resume"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    where = "results/prove/posix-1.json"
    said = f"{where}: cannot be read as what `lockproof prove` keeps; remove it, or leave out --resume\n"
    assert (done.returncode, done.stderr) == (2, said)
