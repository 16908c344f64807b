# SPDX-License-Identifier: Apache-2.0
"""Files are written whole or not at all, and where they cannot be, a line says what to do."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import StoreError
from lockproof.conformance.files import replacing, write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "file", "ä\n", "choose another")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == "ä\n".encode()


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
