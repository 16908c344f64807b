# SPDX-License-Identifier: Apache-2.0
"""An entry in the table of architectures is all that a new one takes: here LoongArch, whose tools are scripts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners import qemu
from lockproof.runners.architectures import ARCHITECTURES, Architecture, Machine
from lockproof.runners.host import tools
from lockproof.runners.kernels import kernel
from lockproof.runners.kernels.apt import Root
from lockproof.runners.kernels.packages import Package, _parse
from lockproof.runners.probe.compiled import host_probe
from tests.runners.kernels.images import elf

if TYPE_CHECKING:
    from collections.abc import Callable

LOONGARCH = Architecture(
    name="loongarch64",
    kernel="loongarch64",
    elf=258,
    debian="loong64",
    flavours=("loong64",),
    triple="loongarch64-linux-gnu",
    libc="libc6-dev-loong64-cross",
    zig="loongarch64-linux-musl",
    machine=Machine(
        program="qemu-system-loongarch64",
        packages=("qemu-system-misc",),
        options=("-machine", "virt", "-serial", "chardev:console", "-device", "pci-serial,chardev=channel"),
        console="ttyS0",
        channel="ttyS1",
        parameters="earlycon",
    ),
)


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the entry, and an empty cache."""
    monkeypatch.setitem(ARCHITECTURES, "loongarch64", LOONGARCH)
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Write the smallest kernel of the architecture."""
    (tmp_path / "vmlinux").write_bytes(elf(258))
    return tmp_path / "vmlinux"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Put programs on PATH, each with a file to which it writes what it was called with."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)

    def make(name: str, body: str) -> Path:
        program, log = tmp_path / "bin" / name, tmp_path / f"{name}.called"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{log}\n{body}\n')
        program.chmod(0o755)
        return log

    return make


def test_its_kernel_is_known_from_its_image_and_by_its_name(image: Path) -> None:
    assert kernel.find(str(image)).arch == "loongarch64"
    assert kernel.find(f"{image}@loongarch64").name == str(image)
    with pytest.raises(UsageError, match=r"not fetched yet; run: lockproof kernel fetch debian/6\.12@loongarch64$"):
        kernel.find("debian/6.12@loongarch64")


def test_its_packages_are_kernels_that_can_be_fetched() -> None:
    index = "Package: linux-image-7.2.13+deb14-loong64\nVersion: 7.2.13-1\nSize: 7\n"
    assert list(_parse(index, Root("sid", "loong64"))) == [
        Package("linux-image-7.2.13+deb14-loong64", "7.2.13-1", "sid", "loong64", 7)
    ]


def test_its_qemu_is_named_with_the_package_that_has_it(image: Path) -> None:
    assert tools.packages("qemu-system-loongarch64") == "apt install qemu-system-misc"
    if shutil.which("qemu-system-loongarch64") is None:
        with pytest.raises(UsageError, match="qemu-system-loongarch64 is not installed; apt install qemu-system-misc"):
            qemu.make(str(image))


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv on PATH")
def test_its_probe_is_compiled_and_its_machine_started(image: Path, script: Callable[[str, str], Path]) -> None:
    # The compiler is asked where its C library is, which version it has, and to compile; the probe is another one's.
    compiled = script(
        "loongarch64-linux-gnu-gcc",
        f"""case "$1" in
        -print-file-name=libc.a) echo /libc.a;; -dumpfullversion) echo 14.2;;
        *) while [ "$1" != -o ]; do shift; done; cp {host_probe()} "$2";; esac""",
    )
    started = script("qemu-system-loongarch64", "echo no kernel >&2; exit 1")
    with qemu.make(str(image)).session() as session, pytest.raises(TargetError, match="QEMU ended with exit status 1"):
        session.info.identity  # noqa: B018  to wait for it
    arguments = compiled.read_text().splitlines()
    assert "-static" in arguments
    assert any(argument.endswith("probe/probe.c") for argument in arguments)
    command = started.read_text()
    for part in (
        "-machine\nvirt\n", "-device\npci-serial,chardev=channel\n", "-accel\ntcg\n", "-cpu\nmax\n", "-m\n512\n",
        f"-kernel\n{image}\n", "console=ttyS0 LOCKPROOF_CHANNEL=ttyS1 quiet ", " earlycon\n", "-device\nivshmem-plain,",
    ):  # fmt: skip
        assert part in command
    packed = Path(command.partition("-initrd\n")[2].partition("\n")[0])
    assert Path(host_probe()).read_bytes() in packed.read_bytes()
