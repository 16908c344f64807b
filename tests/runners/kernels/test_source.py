# SPDX-License-Identifier: Apache-2.0
"""SOURCE: trees and tarballs are copied and never touched, and the same sources have the same digest."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners.kernels import source

if TYPE_CHECKING:
    from collections.abc import Iterable

FILES = {
    "Kconfig": "mainmenu",
    "Makefile": "VERSION = 6",
    "mm/mlock.c": "int mlock;",
    "mm/Makefile": "obj-y += mlock.o",
    "scripts/-strange name\n.sh": "#!/bin/sh",
    "include/.gitignore": "*.o",
}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))


def write(folder: Path, files: dict[str, str] = FILES) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def tree(folder: Path) -> Path:
    """Make the smallest tree that passes for Linux, with a script, and links to a file, a folder and to nothing."""
    write(folder)
    (folder / "scripts" / "-strange name\n.sh").chmod(0o755)
    (folder / "link").symlink_to("mm/mlock.c")
    (folder / "linked").symlink_to("mm")
    (folder / "dangling").symlink_to("nowhere")
    return folder


def said(_: str) -> None:
    """Take what the user would be told."""


def content(folder: Path) -> dict[str, tuple[int, str]]:
    """Return type and permissions, and text or target, of all that a folder holds but the folders."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            text = str(path.readlink()) if path.is_symlink() else path.read_text()
            found[str(path.relative_to(folder))] = (path.lstat().st_mode, text)
    return found


def digest(folder: Path) -> str:
    return source.resolve(str(folder), said).digest


# Trees


def test_a_tree_is_copied_as_it_is(tmp_path: Path) -> None:
    found = source.resolve(str(tree(tmp_path / "linux-6.12")), said)
    before = content(tmp_path / "linux-6.12")
    found.unpack(tmp_path / "build" / "linux")
    assert content(tmp_path / "build" / "linux") == content(tmp_path / "linux-6.12") == before
    assert (found.name, found.path) == ("linux-6.12", tmp_path / "linux-6.12")


@pytest.mark.parametrize("name", [
    ".config", ".config.old", "vmlinux", "mm/mlock.o", "mm/built-in.a", "mm/.mlock.o.cmd", "a.ko", ".tmp_vmlinux1",
    "arch/x86/boot/bzImage", ".git", "drivers/sub/.git", ".git/config", ".git/objects/ab/cdef", "drivers/sub/.git/HEAD",
])  # fmt: skip
def test_what_a_build_or_git_left_in_a_tree_stays_behind_and_changes_nothing(tmp_path: Path, name: str) -> None:
    linux = tree(tmp_path / "linux")
    clean, before = digest(linux), content(linux)
    write(linux, {name: "left"})
    assert digest(linux) == clean
    source.resolve(str(linux), said).unpack(tmp_path / "copy")
    assert content(tmp_path / "copy") == before
    assert (linux / name).read_text() == "left"


def test_where_a_tree_lies_and_when_it_was_written_makes_no_difference(tmp_path: Path) -> None:
    first = digest(tree(tmp_path / "linux"))
    shutil.copytree(tmp_path / "linux", tmp_path / "other", symlinks=True)
    assert digest(tmp_path / "other") == first


def test_a_name_that_is_not_utf8_is_copied(tmp_path: Path) -> None:
    linux, name = write(tmp_path / "linux"), os.fsdecode(b"caf\xe9.c")
    (linux / name).write_text("int caf;")
    source.resolve(str(linux), said).unpack(tmp_path / "copy")
    assert (tmp_path / "copy" / name).read_text() == "int caf;"


def test_what_is_in_one_file_is_never_taken_for_two_nor_a_link_for_a_file(tmp_path: Path) -> None:
    two = write(tmp_path / "two", FILES | {"z": "1", "zz": "2"})
    one = write(tmp_path / "one", FILES | {"z": "1zz\0" + "2"})
    link, file = write(tmp_path / "link"), write(tmp_path / "file", FILES | {"z": "mm"})
    (link / "z").symlink_to("mm")
    assert len({digest(each) for each in (two, one, link, file)}) == 4


@pytest.mark.parametrize("change", [
    {"mm/mlock.c": "int mlock; "},
    {"mm/new.c": ""},
    {"mm/mlock.d": "int mlock;", "mm/mlock.c": ""},
    {".scmversion": "1"},
])  # fmt: skip
def test_a_change_of_any_file_is_a_change_of_the_digest(tmp_path: Path, change: dict[str, str]) -> None:
    linux = tree(tmp_path / "linux")
    before = digest(linux)
    write(linux, change)
    assert digest(linux) != before


def test_a_change_of_a_link_is_a_change_of_the_digest(tmp_path: Path) -> None:
    linux = tree(tmp_path / "linux")
    digests = {digest(linux)}
    for link, target in (("dangling", "elsewhere"), ("linked", "scripts")):
        (linux / link).unlink()
        (linux / link).symlink_to(target)
        digests.add(digest(linux))
    (linux / "dangling").unlink()
    assert len(digests | {digest(linux)}) == 4


@given(order=st.permutations(sorted(FILES)))
@settings(max_examples=20)
def test_the_order_in_which_files_were_written_makes_no_difference(order: Iterable[str]) -> None:
    # There a folder lists its files in the order in which they were written.
    shared = Path("/dev/shm")  # noqa: S108
    with TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        written = write(Path(folder) / "a", {name: FILES[name] for name in order})
        assert digest(written) == digest(write(Path(folder) / "b"))


@pytest.mark.parametrize(("name", "plain"), [
    ("linux-6.12.1~rc", "linux-6.12.1~rc"), ("my linux@home+1", "my-linux-home-1"), ("a@arm64", "a-arm64"),
])  # fmt: skip
def test_a_tree_names_what_is_built_from_it_as_a_kernel_can_be_named(tmp_path: Path, name: str, plain: str) -> None:
    write(tmp_path / name)
    assert source.resolve(str(tmp_path / name), said).name == plain


def test_a_tree_that_is_here_has_the_name_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path / "linux"))
    found = source.resolve(".", said)
    assert (found.name, found.path) == ("linux", tmp_path / "linux")


def test_the_user_is_told_that_a_tree_is_read(tmp_path: Path) -> None:
    told: list[str] = []
    source.resolve(str(write(tmp_path / "linux")), told.append)
    assert told == [f"reading {tmp_path / 'linux'}"]


# Tarballs


def tarball(path: Path, flags: str, top: str = "linux-6.12") -> Path:
    """Pack the smallest tree under a folder of that name; `.`: under none."""
    tree(path.parent / "packed" / top)
    subprocess.run(["tar", "-C", path.parent / "packed", f"-c{flags}f", path, top], check=True)
    return path


PACKED = {".tar": "", ".tar.gz": "z", ".tgz": "z", ".tar.xz": "J", ".txz": "J", ".tar.bz2": "j"}


@pytest.mark.parametrize("suffix", PACKED)
def test_a_tarball_is_unpacked_without_its_top_folder(tmp_path: Path, suffix: str) -> None:
    unpacker = {"J": "xz", "j": "bzip2"}.get(PACKED[suffix], "gzip")
    if shutil.which(unpacker) is None:
        pytest.skip(f"needs {unpacker} on PATH")
    path = tarball(tmp_path / f"linux-6.12.1{suffix}", PACKED[suffix])
    found = source.resolve(str(path), said)
    assert (found.name, found.path) == ("linux-6.12.1", path)
    found.unpack(tmp_path / "build" / "linux")
    assert content(tmp_path / "build" / "linux") == content(tmp_path / "packed" / "linux-6.12")


def test_the_digest_of_a_tarball_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tarball(tmp_path / "linux.tar", "")
    before = source.resolve(str(path), said).digest
    assert source.resolve(str(path), said).digest == before
    path.write_bytes(path.read_bytes() + b"\0")
    assert source.resolve(str(path), said).digest != before


def test_a_tarball_that_was_cut_is_a_target_error_of_one_line(tmp_path: Path) -> None:
    path = tarball(tmp_path / "linux.tar.gz", "z")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TargetError) as caught:
        source.resolve(str(path), said).unpack(tmp_path / "build")
    assert str(caught.value).startswith(f"{path}: cannot be unpacked: ")
    assert "\n" not in str(caught.value)


def test_a_tarball_whose_unpacker_is_missing_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "linux.tar.xz").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        source.resolve(str(tmp_path / "linux.tar.xz"), said)
    assert str(caught.value) == (f"unpacking {tmp_path / 'linux.tar.xz'}: xz is not installed; apt install xz-utils")


# What is none


@pytest.mark.parametrize("missing", ["Kconfig", "Makefile", "mm"])
def test_a_folder_that_is_not_linux_says_what_is_missing(tmp_path: Path, missing: str) -> None:
    linux = write(tmp_path / "linux")
    (linux / missing).rename(linux / "elsewhere")
    with pytest.raises(UsageError) as caught:
        source.resolve(str(linux), said)
    assert str(caught.value) == f"{linux}: no sources of Linux: Kconfig, Makefile or mm/ are not at its top"


def test_a_tarball_that_is_not_linux_says_what_is_missing(tmp_path: Path) -> None:
    path = tarball(tmp_path / "linux.tar", "", "a/linux")
    with pytest.raises(UsageError) as caught:
        source.resolve(str(path), said).unpack(tmp_path / "build")
    assert str(caught.value) == f"{path}: no sources of Linux: Kconfig, Makefile or mm/ are not at its top"


@pytest.mark.parametrize(("name", "message"), [
    ("bzImage", "{}: no sources; give a tree, or a tarball named .tar, .tar.xz, .tar.gz, .tar.bz2 or .tar.zst"),
    ("linux.zip", "{}: no sources; give a tree, or a tarball named .tar, .tar.xz, .tar.gz, .tar.bz2 or .tar.zst"),
    ("linux.tar.xz.sign", "{}: no sources; give a tree, or a tarball named .tar, .tar.xz, .tar.gz, .tar.bz2 or .tar.zst"),
    ("nowhere", "{}: no such folder or file; give a tree, a tarball, or debian/VERSION such as debian/6.1"),
])  # fmt: skip
def test_a_file_that_holds_no_sources_says_what_to_give(tmp_path: Path, name: str, message: str) -> None:
    if name != "nowhere":
        (tmp_path / name).touch()
    with pytest.raises(UsageError) as caught:
        source.resolve(str(tmp_path / name), said)
    assert str(caught.value) == message.format(tmp_path / name)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "linux.tar").symlink_to("/proc/self/mem")  # nobody can read its beginning, not even root
    with pytest.raises(UsageError, match=r"^/proc/\d+/mem: cannot be read: Input/output error; check its permissions$"):
        source.resolve(str(tmp_path / "linux.tar"), said)


def test_a_path_where_nobody_may_look_says_why() -> None:
    with pytest.raises(UsageError) as caught:
        source.resolve("x" * 300, said)
    assert str(caught.value) == f"'{'x' * 300}': File name too long; check the path"
