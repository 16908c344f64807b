# SPDX-License-Identifier: Apache-2.0
"""The archive of a guest's first file system: read back by the format's rules, and by cpio."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockproof.conformance.errors import StoreError
from lockproof.runners.guest.initramfs import archive, initramfs
from lockproof.runners.probe.compiled import host_probe

needs_cpio = pytest.mark.skipif(shutil.which("cpio") is None, reason="needs cpio on PATH")


class Member(NamedTuple):
    """A file of an archive."""

    name: str
    inode: int
    mode: int
    links: int
    device: tuple[int, int]
    content: bytes


def members(data: bytes) -> list[Member]:
    """Read an archive as Documentation/driver-api/early-userspace/buffer-format.rst says."""
    found: list[Member] = []
    at = 0
    while not found or found[-1].name != "TRAILER!!!":
        assert at % 4 == 0
        assert data[at : at + 6] == b"070701"
        inode, mode, owner, group, links, time, size, *where, device, minor, length, checksum = (
            int(data[start : start + 8], 16) for start in range(at + 6, at + 110, 8)
        )
        assert (owner, group, time, where, checksum) == (0, 0, 0, [0, 0], 0)
        name = data[at + 110 : at + 110 + length]
        assert name.endswith(b"\0")
        start = at + 110 + length + -(110 + length) % 4
        found.append(Member(name[:-1].decode(), inode, mode, links, (device, minor), data[start : start + size]))
        assert len(found[-1].content) == size
        at = start + size + -size % 4
    assert at == len(data)
    return found


@given(st.binary(max_size=100))
def test_the_probe_is_the_init_of_the_archive(init: bytes) -> None:
    (member,) = [member for member in members(archive(init)) if member.name == "init"]
    assert (member.mode, member.content) == (stat.S_IFREG | 0o755, init)


def test_the_archive_has_the_folders_and_devices_of_a_guest_and_nothing_else() -> None:
    listed = [(member.name, stat.filemode(member.mode), member.device) for member in members(archive(b"#!"))]
    none = (0, 0)
    assert listed == [
        ("dev", "drwxr-xr-x", none),
        ("proc", "drwxr-xr-x", none),
        ("sys", "drwxr-xr-x", none),
        ("tmp", "drwxr-xr-x", none),
        ("root", "drwxr-xr-x", none),
        ("dev/console", "crw-------", (5, 1)),
        ("dev/null", "crw-rw-rw-", (1, 3)),
        ("init", "-rwxr-xr-x", none),
        ("TRAILER!!!", "?---------", none),
    ]


def test_no_two_members_are_links_to_one_file() -> None:
    found = members(archive(b""))
    assert len({member.inode for member in found}) == len(found)
    assert {member.links for member in found} == {1}


def test_the_same_init_gives_the_same_bytes() -> None:
    assert archive(b"init") == archive(b"init") != archive(b"inix")


@needs_cpio
@given(st.binary(max_size=9))
@settings(max_examples=30)
def test_cpio_gives_the_init_back(init: bytes) -> None:
    command = ["cpio", "--extract", "--to-stdout", "--quiet", "init"]
    done = subprocess.run(command, input=archive(init), capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (init, b"")


@needs_cpio
@pytest.mark.root
def test_cpio_unpacks_the_probe_and_it_runs(tmp_path: Path) -> None:
    probe = Path(host_probe()).read_bytes()
    subprocess.run(["cpio", "--extract", "--quiet"], cwd=tmp_path, input=archive(probe), check=True)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {
        "dev", "dev/console", "dev/null", "init", "proc", "root", "sys", "tmp"
    }  # fmt: skip
    null = (tmp_path / "dev" / "null").stat()
    assert (stat.S_ISCHR(null.st_mode), os.major(null.st_rdev), os.minor(null.st_rdev)) == (True, 1, 3)
    done = subprocess.run([tmp_path / "init"], input=b"", capture_output=True, check=True)
    assert done.stdout.startswith(b'{"hello":')


def test_an_archive_is_written_once_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    for name, content in (("one", b"probe"), ("two", b"probe"), ("three", b"another")):
        (tmp_path / name).write_bytes(content)
    first, second, third = (initramfs(tmp_path / name) for name in ("one", "two", "three"))
    assert first == second != third
    assert first.is_relative_to(tmp_path / "cache")
    assert (first.read_bytes(), third.read_bytes()) == (archive(b"probe"), archive(b"another"))


@pytest.mark.parametrize("damaged", [b"", archive(b"probe")[:200], archive(b"prabe")], ids=["empty", "cut", "flipped"])
def test_an_archive_that_was_damaged_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bytes
) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "probe").write_bytes(b"probe")
    path = initramfs(tmp_path / "probe")
    path.write_bytes(damaged)
    assert initramfs(tmp_path / "probe") == path
    assert path.read_bytes() == archive(b"probe")


def test_a_probe_that_is_not_there_is_a_store_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StoreError) as caught:
        initramfs(tmp_path / "probe")
    assert str(caught.value) == f"{tmp_path / 'probe'}: No such file or directory; check it, or set LOCKPROOF_CACHE"
