# SPDX-License-Identifier: Apache-2.0
"""Images other than Debian's bzImage: a vmlinux that QEMU enters by PVH, and images that do not boot."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest

from lockproof.runners import qemu
from lockproof.runners.kernels.compression import plain
from lockproof.runners.target import make_target
from tests.command import lockproof, processes_with, results
from tests.runners.kernels.made_packages import deb

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = "debian/6.12"
CASE = "mlock/no-change/hole-after-prefix"

pytestmark = pytest.mark.qemu(KERNEL)


def image() -> bytearray:
    """Return the image of the kernel."""
    return bytearray(qemu.make(KERNEL).kernel.image.read_bytes())


def payload(bzimage: bytes | bytearray) -> tuple[int, int]:
    """Return where the compressed kernel begins in a bzImage, and its length, as boot.rst has them."""
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    return (bzimage[0x1F1] + 1) * 512 + offset, length


def test_a_vmlinux_is_booted_where_it_says_how_it_is_entered(tmp_path: Path) -> None:
    bzimage = image()
    start, length = payload(bzimage)
    size_behind_it = 4
    packed = bzimage[start : start + length - size_behind_it]
    (tmp_path / "vmlinux").write_bytes(plain(io.BytesIO(packed), 1 << 30).read())
    with make_target(f"qemu:{tmp_path / 'vmlinux'}").session() as session:
        found = session.info
    with make_target(f"qemu:{KERNEL}").session() as session:
        assert (found.release, found.version) == (session.info.release, session.info.version)
        assert found.build_id == session.info.build_id


def reboots() -> bytes:
    """Return the image with instructions that are none where the kernel is entered: the processor gives up."""
    bzimage = image()
    entry = (bzimage[0x1F1] + 1) * 512
    bzimage[entry : entry + 0x1000] = b"\x0f\x0b" * 0x800
    return bytes(bzimage)


def halts() -> bytes:
    """Return the image with a hole in the compressed kernel: what unpacks it stops, and waits for nothing."""
    bzimage = image()
    start, length = payload(bzimage)
    bzimage[start + length // 2 : start + length // 2 + 0x10000] = bytes(0x10000)
    return bytes(bzimage)


def check_one_line_and_nothing_left(folder: Path, target: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(folder / "cache"))
    before = sorted(path.name for path in folder.iterdir())
    done = lockproof("run", "-t", target, CASE, cwd=folder)
    assert (done.returncode, done.stderr) == (3, "")
    (found,) = results(folder)
    said = (
        f"the guest did not come up: {why}; the console is empty: the image may be damaged, or be for another machine"
    )
    assert (found["verdict"]["status"], found["verdict"]["reason"]) == ("UNRESOLVED", f"{target}: {said}")
    assert f"{target}: nothing was found out; 1 of 1 cases UNRESOLVED: {target}: {said}\n" in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == sorted([*before, "cache", "results"])
    assert processes_with(str(folder), "cmdline") == []
    assert sorted(path.name for path in (folder / "cache" / "kernels").glob("*") if path.name != "unpacked") == []


@pytest.mark.parametrize("kind", ["image", "package"])
def test_an_image_that_reboots_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    content = reboots() if kind == "image" else deb({"boot/vmlinuz-6.12.107": reboots()})
    (tmp_path / kind).write_bytes(content)
    check_one_line_and_nothing_left(tmp_path, f"qemu:./{kind}", "QEMU ended with exit status 0", monkeypatch)


@pytest.mark.slow
def test_an_image_that_halts_is_given_up_in_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "image").write_bytes(halts())
    check_one_line_and_nothing_left(tmp_path, "qemu:./image", "no answer in 90 s", monkeypatch)
