# SPDX-License-Identifier: Apache-2.0
"""The cache: written whole or not at all, by one lockproof at a time, also when a disk is full or a process killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import StoreError
from lockproof.runners.host import cache
from lockproof.runners.kernels import catalogue, debian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAKE = """
import sys, time
from pathlib import Path
from lockproof.runners.host import cache
path, made, waited = map(Path, sys.argv[1:])
def make(new):
    with made.open("a") as file:
        file.write("made\\n")
    new.write_bytes(b"half")
    print("making", flush=True)
    while not waited.exists():
        time.sleep(0.005)
    new.write_bytes(b"whole")
def say(line):
    print(line, flush=True)
    waited.touch()
print(cache.once(path, make, say).read_bytes())
"""
"""Makes a file, and does not finish before another process waits for it; both tell what they do."""


def maker(folder: Path) -> subprocess.Popen[str]:
    """Start a process that wants the file `it`."""
    arguments = [folder / "cache" / "it", folder / "made", folder / "waited"]
    return subprocess.Popen([sys.executable, "-c", MAKE, *arguments], stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_of_two_processes_at_once_one_makes_the_file_and_the_other_waits_for_it(tmp_path: Path) -> None:
    first = maker(tmp_path)
    assert line(first) == "making\n"
    second = maker(tmp_path)
    assert second.communicate(timeout=60)[0] == (
        "waiting for another lockproof, which is making it\nb'whole'\n"
    )  # fmt: skip
    assert first.communicate(timeout=60)[0] == "b'whole'\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert (tmp_path / "made").read_text() == "made\n"
    assert names(tmp_path / "cache") == {"it", "it.sha256", ".it.lock"}


def test_what_a_killed_process_was_making_is_made_by_the_next(tmp_path: Path) -> None:
    first = maker(tmp_path)
    assert line(first) == "making\n"
    first.kill()
    assert first.wait() == -signal.SIGKILL
    assert names(tmp_path / "cache") == {".it.new", ".it.lock"}
    (tmp_path / "waited").touch()
    assert maker(tmp_path).communicate(timeout=60)[0] == "making\nb'whole'\n"
    assert names(tmp_path / "cache") == {"it", "it.sha256", ".it.lock"}


def test_a_process_that_waits_makes_the_file_when_the_maker_is_killed(tmp_path: Path) -> None:
    first = maker(tmp_path)
    assert line(first) == "making\n"
    first.send_signal(signal.SIGSTOP)
    second = maker(tmp_path)
    assert line(second) == "waiting for another lockproof, which is making it\n"
    first.kill()
    first.wait()
    assert second.communicate(timeout=60)[0] == "making\nb'whole'\n"
    assert (tmp_path / "made").read_text() == "made\nmade\n"


def test_of_many_threads_one_makes_the_file(tmp_path: Path) -> None:
    made: list[Path] = []
    barrier = Barrier(8)

    def make(new: Path) -> None:
        made.append(new)
        new.write_bytes(b"whole")

    def ask(_: int) -> bytes:
        barrier.wait()
        return cache.once(tmp_path / "it", make).read_bytes()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {b"whole"}
    assert len(made) == 1


def fails(_: Path) -> None:
    pytest.fail("it was there")


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    cache.once(tmp_path / "it", zeros(3))
    assert cache.once(tmp_path / "it", fails) == tmp_path / "it"
    assert names(tmp_path) == {"it", "it.sha256", ".it.lock"}
    subprocess.run(["sha256sum", "--check", "--status", "it.sha256"], cwd=tmp_path, check=True)


def flipped(path: Path) -> None:
    path.write_bytes(b"\0\1\0")


def cut(path: Path) -> None:
    path.write_bytes(bytes(2))


def longer(path: Path) -> None:
    path.write_bytes(bytes(4))


def without_digest(path: Path) -> None:
    path.with_name("it.sha256").unlink()


def digest_of_another(path: Path) -> None:
    path.with_name("it.sha256").write_bytes(b"\xff")


DAMAGES = (flipped, cut, longer, without_digest, digest_of_another)


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_damaged_is_made_anew_and_that_is_said(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = cache.once(tmp_path / "it", zeros(3))
    damage(path)
    assert not cache.is_whole(path)
    said: list[str] = []
    assert cache.once(path, zeros(3), said.append).read_bytes() == bytes(3)
    assert said == [f"{path}: damaged; making it anew"]
    assert cache.once(path, fails, said.append) == path


def test_what_is_removed_is_gone_with_its_digest(tmp_path: Path) -> None:
    path = cache.once(tmp_path / "it", zeros(3))
    for _ in range(2):
        cache.remove(path)
        assert names(tmp_path) == {".it.lock"}


def zeros(count: int) -> Callable[[Path], None]:
    """Return what writes a file of so many bytes."""

    def write(new: Path) -> None:
        new.write_bytes(bytes(count))

    return write


def half(new: Path) -> None:
    """Write a part, then fail."""
    new.write_text("half")
    msg = "the compiler failed"
    raise ZeroDivisionError(msg)


def test_what_could_not_be_made_leaves_nothing_and_is_asked_for_again(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="the compiler failed"):
            cache.once(tmp_path / "it", half)
        assert names(tmp_path) == {".it.lock"}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        cache.replace(path, half)
    assert path.read_text() == "old"
    cache.replace(path, zeros(3))
    assert path.read_bytes() == bytes(3)
    assert names(tmp_path) == {"it"}


def test_a_path_that_is_locked_is_free_again_after_an_error(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), cache.locked(tmp_path / "deep" / "it", said.append):
            raise KeyboardInterrupt
    assert said == []


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 KiB, and make the cache lie in it."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"needs mount: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


@pytest.mark.root
def test_a_full_disk_is_one_line_that_says_what_to_do_and_leaves_nothing(small: Path) -> None:
    path = small / "kernels" / "it"
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            cache.once(path, zeros(100_000))
        assert str(caught.value) == (
            f"{path}: No space left on device; make room, or set LOCKPROOF_CACHE to a folder with more"
        )
        assert names(path.parent) == {".it.lock"}
    assert cache.once(path, zeros(1000)).stat().st_size == 1000


@pytest.mark.root
def test_a_full_disk_keeps_what_was_to_be_replaced(small: Path) -> None:
    cache.replace(small / "it", zeros(1000))
    with pytest.raises(StoreError, match=f"^{small / 'it'}: No space left on device; make room, "):
        cache.replace(small / "it", zeros(100_000))
    assert (small / "it").read_bytes() == bytes(1000)
    assert names(small) == {"it"}


def test_a_cache_that_is_a_file_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught:
        cache.once(tmp_path / "file" / "it", half)
    assert str(caught.value) == f"{tmp_path / 'file'}: File exists; check it, or set LOCKPROOF_CACHE"


def test_a_cache_that_nobody_can_look_into_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", f"/{'x' * 300}")
    for look in (lambda: cache.once(cache.directory() / "it", half), catalogue.known, debian.offered):
        with pytest.raises(StoreError) as caught:
            look()
        said = str(caught.value)
        assert said.startswith(str(cache.directory()))
        assert said.endswith(": File name too long; check it, or set LOCKPROOF_CACHE")


@pytest.mark.parametrize(
    ("own", "xdg", "expected"),
    [
        ("/own", "/xdg", "/own"),
        ("own", "/xdg", "{cwd}/own"),
        ("", "/xdg", "/xdg/lockproof"),
        (None, "/xdg", "/xdg/lockproof"),
        (None, "relative", "/home/somebody/.cache/lockproof"),
        (None, "", "/home/somebody/.cache/lockproof"),
        (None, None, "/home/somebody/.cache/lockproof"),
    ],
)
def test_the_cache_is_where_the_user_says(
    monkeypatch: pytest.MonkeyPatch, own: str | None, xdg: str | None, expected: str
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    for name, value in (("LOCKPROOF_CACHE", own), ("XDG_CACHE_HOME", xdg)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert str(cache.directory()) == expected.format(cwd=os.fspath(Path.cwd()))
