# SPDX-License-Identifier: Apache-2.0
"""KERNEL: names and paths of kernels, and the catalogue that keeps those that were fetched or built."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockproof.conformance.errors import StoreError, TargetError, UsageError
from lockproof.runners.guest.machines import MACHINES
from lockproof.runners.kernels import kernel
from lockproof.runners.kernels.architectures import ARCHITECTURES
from lockproof.runners.kernels.kernel import Entry, Kernel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def bzimage(*, bits: int = 64, size: int = 2048) -> bytes:
    """Write the smallest image that is one of x86: a boot sector, a sector of setup, and the rest."""
    data = bytearray(size)
    data[0x1F1] = 1
    struct.pack_into("<I", data, 0x1F4, (size - 1024) // 16)
    struct.pack_into("<4sH", data, 0x202, b"HdrS", 0x20F)
    struct.pack_into("<H", data, 0x236, bits == 64)
    return bytes(data)


def arm64(pages: int = 1) -> bytes:
    data = bytearray(0x10010)
    struct.pack_into("<Q", data, 24, pages << 1)
    struct.pack_into("<4s", data, 56, b"ARMd")
    return bytes(data)


def writes(content: bytes) -> Callable[[Path], None]:
    def write(new: Path) -> None:
        new.write_bytes(content)

    return write


def fails(_: Path) -> None:
    pytest.fail("the kernel was there")


WANTED = Entry(name="debian/6.12", arch="x86_64", version="6.12.1-1", origin="linux-image-6.12.1-amd64 (trixie)")
OF_ARM = replace(WANTED, name="debian/6.12@arm64", arch="arm64")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working directory empty, and the catalogue too."""
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def refused(text: str) -> str:
    """Give what is said to a user who asks for a kernel."""
    with pytest.raises(UsageError) as caught:
        kernel.find(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Names


@pytest.mark.parametrize(
    ("text", "name", "arch"),
    [
        ("debian/6.12", "debian/6.12", None),
        ("debian/6.12@arm64", "debian/6.12", "arm64"),
        ("debian/6.12@x86_64-i386", "debian/6.12", "x86_64-i386"),
        ("a@b@s390x", "a@b", "s390x"),
        ("/boot/bzImage@i386", "/boot/bzImage", "i386"),
        ("@arm64", "", "arm64"),
    ],
)
def test_what_follows_the_last_at_is_the_architecture(text: str, name: str, arch: str | None) -> None:
    assert kernel.split(text) == (name, arch)


def test_an_at_in_the_name_of_a_file_that_is_there_is_part_of_it(folder: Path) -> None:
    (folder / "image@home").touch()
    assert kernel.split("image@home") == ("image@home", None)
    assert kernel.split("image@home@arm64") == ("image@home", "arm64")


@pytest.mark.parametrize(("text", "message"), [
    ("debian/6.12@arm", "kernel 'debian/6.12@arm': no architecture 'arm'; did you mean arm64?"),
    ("debian/6.12@riscv", "kernel 'debian/6.12@riscv': no architecture 'riscv'; did you mean riscv64?"),
    (
        "debian/6.12@",
        "kernel 'debian/6.12@': no architecture ''; write one of: arm64, arm64-16k, i386, ppc64le, riscv64, s390x, x86_64, x86_64-i386",
    ),
])  # fmt: skip
def test_an_architecture_that_is_unknown_is_a_usage_error_with_a_suggestion(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        kernel.split(text)
    assert str(caught.value) == message


@given(st.sampled_from(sorted(ARCHITECTURES)))
def test_a_full_name_is_split_into_what_it_was_made_of(arch: str) -> None:
    name, found = kernel.split(kernel.full_name("debian/6.12", arch))
    assert (name, found or "x86_64") == ("debian/6.12", arch)


def test_every_architecture_has_a_machine_and_a_kernel_that_has_one() -> None:
    assert set(MACHINES) == set(ARCHITECTURES)
    assert {each.kernel for each in ARCHITECTURES.values()} <= set(ARCHITECTURES)
    assert all(ARCHITECTURES[each.kernel].kernel == each.kernel for each in ARCHITECTURES.values())


@pytest.mark.parametrize(("name", "is_one"), [
    ("debian/6.12", True),
    ("debian/6.12.107", True),
    ("debian/7.0~rc3", True),
    ("debian/", False),
    ("debian/sid", False),
    ("debian/6.12-1", False),
    ("debian/6.12+fault-injection", False),
    ("debian/../6", False),
    ("Debian/6.12", False),
    ("x/debian/6.12", False),
])  # fmt: skip
def test_a_kernel_of_debian_is_named_by_its_version(name: str, *, is_one: bool) -> None:
    assert kernel.is_debian(name) is is_one


# Paths


def test_a_path_is_a_kernel_of_the_architecture_that_its_image_says(folder: Path) -> None:
    for name, content, arch in (
        ("x", bzimage(), "x86_64"),
        ("y", bzimage(bits=32), "i386"),
        ("z", arm64(2), "arm64-16k"),
    ):
        (folder / name).write_bytes(content)
        assert kernel.find(name) == Kernel(name, folder / name, arch)
        assert kernel.find(f"{name}@{arch}") == Kernel(name, folder / name, arch)
        assert kernel.find(f"./{name}") == Kernel(f"./{name}", folder / name, arch)
        assert kernel.find(str(folder / name)) == Kernel(str(folder / name), folder / name, arch)


def test_a_kernel_of_64_bits_also_runs_the_probe_of_32(folder: Path) -> None:
    (folder / "image").write_bytes(bzimage())
    assert kernel.find("image@x86_64-i386") == Kernel("image@x86_64-i386", folder / "image", "x86_64-i386")


def test_a_path_with_another_architecture_than_its_image_is_refused(folder: Path) -> None:
    (folder / "image").write_bytes(bzimage())
    assert refused("image@arm64") == "image: a kernel of x86_64, not of arm64; leave out @arm64"
    assert refused("image@i386") == "image: a kernel of x86_64, not of i386; leave out @i386"


def test_a_path_whose_image_was_cut_is_refused(folder: Path) -> None:
    (folder / "image").write_bytes(bzimage()[:-1])
    assert refused("image").startswith("image: the kernel image is truncated: it has 2047 bytes ")


# What is not there


@pytest.mark.parametrize(("text", "message"), [
    ("debian/6.1", "kernel 'debian/6.1': not fetched yet; run: lockproof kernel fetch debian/6.1"),
    ("debian/6.1@x86_64", "kernel 'debian/6.1@x86_64': not fetched yet; run: lockproof kernel fetch debian/6.1"),
    ("debian/6.1@arm64", "kernel 'debian/6.1@arm64': not fetched yet; run: lockproof kernel fetch debian/6.1@arm64"),
    ("debian/6.1@x86_64-i386", "kernel 'debian/6.1@x86_64-i386': not fetched yet; run: lockproof kernel fetch debian/6.1"),
    (
        "debian/6.1+fault-injection",
        "kernel 'debian/6.1+fault-injection': not built yet; run: lockproof kernel build debian/6.1 --fault-injection",
    ),
    (
        "debian/6.1+fault-injection@arm64",
        "kernel 'debian/6.1+fault-injection@arm64': kernels are built for x86_64 only; leave out @arm64",
    ),
    ("x" * 300, f"'{'x' * 300}': File name too long; check the path"),
    ("./bzImage", "kernel './bzImage': no such file"),
    ("/nowhere/bzImage", "kernel '/nowhere/bzImage': no such file"),
    (".", "kernel '.': no such file"),
    ("debain/6.12", "kernel 'debain/6.12': no such file, fetched or built kernel; did you mean debian/6.12?"),
    ("debian/6.12+mine", "kernel 'debian/6.12+mine': no such file, fetched or built kernel; did you mean debian/6.12?"),
])  # fmt: skip
def test_a_kernel_that_is_not_there_is_named_with_what_gets_it(text: str, message: str) -> None:
    kernel.enter(WANTED, writes(bzimage()))
    assert refused(text) == message


def test_where_there_is_no_kernel_at_all_the_first_step_is_told() -> None:
    hint = "none is here yet, lockproof kernel fetch debian/6.12 fetches one"
    assert refused("no") == f"kernel 'no': no such file, fetched or built kernel; {hint}"


# The catalogue


def test_an_empty_catalogue_knows_nothing() -> None:
    assert kernel.known() == []
    assert kernel.entry("debian/6.12") is None


def test_what_is_entered_is_found_by_its_name() -> None:
    made = kernel.enter(WANTED, writes(bzimage()))
    assert made == replace(WANTED, image="debian%2f6.12.image", size=2048)
    assert kernel.entry("debian/6.12") == made
    assert made.path.read_bytes() == bzimage()
    assert kernel.find("debian/6.12") == Kernel("debian/6.12", made.path, "x86_64")
    assert kernel.find("debian/6.12@x86_64") == Kernel("debian/6.12", made.path, "x86_64")
    assert kernel.find("debian/6.12@x86_64-i386") == Kernel("debian/6.12@x86_64-i386", made.path, "x86_64-i386")


def test_a_kernel_is_entered_for_each_architecture_and_known_by_name() -> None:
    arm = kernel.enter(OF_ARM, writes(arm64()))
    x86 = kernel.enter(WANTED, writes(bzimage()))
    older = kernel.enter(replace(WANTED, name="debian/6.1"), writes(bzimage()))
    assert kernel.known() == [older, x86, arm]
    assert kernel.find("debian/6.12@arm64") == Kernel("debian/6.12@arm64", arm.path, "arm64")


def test_a_kernel_is_not_written_again_unless_its_origin_is_another() -> None:
    first = kernel.enter(WANTED, writes(bzimage()))
    assert kernel.enter(WANTED, fails) == first
    newer = replace(WANTED, version="6.12.2-1", origin="linux-image-6.12.2-amd64 (trixie)")
    assert kernel.enter(newer, writes(bzimage(size=4096))) == replace(newer, image=first.image, size=4096)
    assert kernel.known() == [replace(newer, image=first.image, size=4096)]
    assert first.path.read_bytes() == bzimage(size=4096)


def test_a_kernel_whose_image_was_deleted_is_written_again() -> None:
    made = kernel.enter(WANTED, writes(bzimage()))
    made.path.unlink()
    assert refused("debian/6.12") == f"{made.path}: the image is gone; fetch or build debian/6.12 again"
    assert kernel.enter(WANTED, writes(bzimage())) == made
    assert kernel.find("debian/6.12").image == made.path


@pytest.mark.parametrize(
    "content", [bzimage(size=4096), bzimage(bits=32), bzimage() + b"more"], ids=["other size", "i386", "longer"]
)
def test_an_image_that_was_changed_is_refused(content: bytes) -> None:
    made = kernel.enter(WANTED, writes(bzimage()))
    made.path.write_bytes(content)
    assert refused("debian/6.12") == (
        f"{made.path}: not the image that was stored; delete it, and fetch or build debian/6.12 again"
    )


def test_an_image_that_was_cut_is_refused() -> None:
    made = kernel.enter(WANTED, writes(bzimage()))
    made.path.write_bytes(bzimage()[:1500])
    assert refused("debian/6.12").startswith(f"{made.path}: the kernel image is truncated: ")


@pytest.mark.parametrize(("content", "message"), [
    (arm64(), "a kernel of arm64 came instead of one of x86_64"),
    (bzimage(bits=32), "a kernel of i386 came instead of one of x86_64"),
    (bzimage()[:-1], "the kernel image is truncated: it has 2047 bytes and should have at least 2048; get it again"),
    (b"<html>", "no kernel image, or the beginning of one: it has only 6 bytes"),
], ids=["arm64", "i386", "cut", "none"])  # fmt: skip
def test_a_wrong_image_is_not_entered_and_the_old_one_stays(content: bytes, message: str) -> None:
    made = kernel.enter(WANTED, writes(bzimage()))
    with pytest.raises(UsageError) as caught:
        kernel.enter(replace(WANTED, origin="another"), writes(content))
    assert str(caught.value).endswith(message)
    assert kernel.find("debian/6.12") == Kernel("debian/6.12", made.path, "x86_64")
    assert kernel.known() == [made]
    assert {path.name for path in kernel.catalogue().iterdir()} == {
        "debian%2f6.12.image", "debian%2f6.12.json", ".debian%2f6.12.image.lock"
    }  # fmt: skip


def test_a_fetch_that_fails_enters_nothing() -> None:
    def broken(new: Path) -> None:
        new.write_bytes(bzimage()[:100])
        msg = "the mirror is away"
        raise TargetError(msg)

    with pytest.raises(TargetError, match="the mirror is away"):
        kernel.enter(WANTED, broken)
    assert kernel.known() == []
    assert [path.name for path in kernel.catalogue().iterdir()] == [".debian%2f6.12.image.lock"]


NAMES = st.text(st.sampled_from("ab/%25fF.+~_-@2"), min_size=1, max_size=20)


@given(first=NAMES, second=NAMES)
@example(first="a/b", second="a%2fb")
@example(first="a%2fb", second="a%252fb")
def test_two_names_never_share_a_file_and_none_leaves_the_catalogue(
    tmp_path_factory: pytest.TempPathFactory, first: str, second: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKPROOF_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = {name: kernel.enter(replace(WANTED, name=name), writes(bzimage())) for name in (first, second)}
        assert len({entry.path for entry in made.values()}) == len(made)
        assert all(entry.path.parent == kernel.catalogue() for entry in made.values())
        assert {name: kernel.entry(name) for name in made} == made
        assert sorted(entry.name for entry in kernel.known()) == sorted(made)


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"7", b"null", b"{}", b"\xff",
    json.dumps(asdict(WANTED) | {"digest": "1"}).encode(),
    json.dumps({"name": "debian/6.12"}).encode(),
    json.dumps(asdict(WANTED) | {"image": 5}).encode(),
])  # fmt: skip
def test_a_damaged_entry_is_a_store_error_that_names_the_file(content: bytes) -> None:
    made = kernel.enter(WANTED, writes(bzimage()))
    file = made.path.with_suffix(".json")
    file.write_bytes(content)
    for read in (kernel.known, lambda: kernel.find("debian/6.12"), lambda: kernel.enter(WANTED, fails)):
        with pytest.raises(StoreError) as caught:
            read()
        assert str(caught.value).startswith(f"{file}: cannot be read (")
        assert str(caught.value).endswith("); delete it, and fetch or build the kernel again")
    file.unlink()
    assert kernel.enter(WANTED, writes(bzimage())) == made


ENTER = """
import sys, time
from pathlib import Path
from lockproof.runners.kernels import kernel
image, waited = map(Path, sys.argv[1:])
def write(new):
    print("writing", flush=True)
    while not waited.exists():
        time.sleep(0.005)
    new.write_bytes(image.read_bytes())
def say(line):
    print(line, flush=True)
    waited.touch()
print(kernel.enter(kernel.Entry(name="a", arch="x86_64", version="1", origin="o"), write, say).size)
"""


def test_of_two_processes_at_once_one_writes_a_kernel_and_both_have_it(folder: Path) -> None:
    (folder / "image").write_bytes(bzimage())
    command = [sys.executable, "-c", ENTER, str(folder / "image"), str(folder / "waited")]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "writing\n"
    second = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert second.stdout == "waiting for another lockproof, which is making a.image\n2048\n"
    assert first.communicate(timeout=60)[0] == "2048\n"
