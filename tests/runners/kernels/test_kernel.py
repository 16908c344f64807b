# SPDX-License-Identifier: Apache-2.0
"""KERNEL: names and paths of kernels, and what is said of one that is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.errors import UsageError
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.kernels import catalogue, kernel
from lockproof.runners.kernels.catalogue import CachedKernel
from lockproof.runners.kernels.kernel import Kernel
from tests.runners.kernels.images import arm64, bzimage, writes

if TYPE_CHECKING:
    from pathlib import Path

WANTED = CachedKernel(name="debian/6.12", arch="x86_64", version="6.12.1-1", origin="linux-image-6.12.1-amd64 (trixie)")
OF_ARM = replace(WANTED, name="debian/6.12@arm64", arch="arm64")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working directory empty, and the catalogue too."""
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def refused(text: str) -> str:
    """Return what is said to a user who asks for a kernel."""
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


def test_every_architecture_has_a_kernel_of_its_own_or_another_one_s() -> None:
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


@pytest.mark.parametrize(("name", "how"), [
    ("debian/6.1+fault-injection", "--fault-injection"),
    ("debian/6.1+tiny", ""),
    ("debian/6.1+trouble+debug", "with --patch or --config for trouble, debug"),
    ("debian/6.1+fault-injection+mlock", "--fault-injection with --patch or --config for mlock"),
])  # fmt: skip
def test_of_a_kernel_that_is_not_built_is_said_how_it_is(name: str, how: str) -> None:
    assert refused(name) == f"kernel {name!r}: not built yet; run: lockproof kernel build debian/6.1 {how}".rstrip()
    assert refused(f"{name}@arm64") == f"kernel '{name}@arm64': kernels are built for x86_64 only; leave out @arm64"


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
        "debian/7.2+posixmlock+fault-injection",
        "kernel 'debian/7.2+posixmlock+fault-injection': not built yet; run: lockproof kernel build debian/7.2 --posixmlock --fault-injection",
    ),
    (
        "debian/6.1+fault-injection@arm64",
        "kernel 'debian/6.1+fault-injection@arm64': kernels are built for x86_64 only; leave out @arm64",
    ),
    ("x" * 300, f"'{'x' * 300}': File name too long; check the path"),
    ("./bzImage", "kernel './bzImage': no such file"),
    ("/nowhere/bzImage", "kernel '/nowhere/bzImage': no such file"),
    (".", ".: has no kernel; give a package that has one in /boot"),
    ("debain/6.12", "kernel 'debain/6.12': no such file, fetched or built kernel; did you mean debian/6.12?"),
    ("debian/6.12+mine", "kernel 'debian/6.12+mine': not built yet; run: lockproof kernel build debian/6.12 with --patch or --config for mine"),
])  # fmt: skip
def test_a_kernel_that_is_not_there_is_named_with_what_gets_it(text: str, message: str) -> None:
    catalogue.store(WANTED, writes(bzimage()))
    assert refused(text) == message


def test_where_there_is_no_kernel_at_all_the_first_step_is_told() -> None:
    hint = "none is here yet, lockproof kernel fetch debian/6.12 fetches one"
    assert refused("no") == f"kernel 'no': no such file, fetched or built kernel; {hint}"
