# SPDX-License-Identifier: Apache-2.0
"""A build tree of Linux whose driver of the serial ports is a module, in a guest."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from lockproof.runners.host import cache
from lockproof.runners.kernels import kernel
from lockproof.runners.target import make_target
from tests.places import NATIVE
from tests.runners.guest.test_initramfs import members

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.kernel_build,
    pytest.mark.kernel_source("6.1"),
    pytest.mark.qemu("debian/6.1"),
]

_OPTIONS = """\
CONFIG_MODULES=y
CONFIG_SERIAL_8250=m
CONFIG_SERIAL_8250_PCI=m
"""


def build(sources: Path, out: Path) -> None:
    """Build image and modules of a tree into another folder, as people do."""
    make = ["make", f"O={out}", "ARCH=x86_64", "-j2"]
    subprocess.run([*make, "tinyconfig"], cwd=sources, check=True)
    fragments = [(NATIVE / "kernel" / f"{name}.config").read_text() for name in ("base", "optional")]
    with (out / ".config").open("a") as file:
        file.writelines([*fragments, _OPTIONS])
    subprocess.run([*make, "olddefconfig"], cwd=sources, check=True)
    subprocess.run([*make, "bzImage", "modules"], cwd=sources, check=True)


@pytest.fixture(scope="module")
def out() -> Iterator[Path]:
    """Unpack the sources of the kernel and build it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (archive, *_) = (cache.directory() / "sources").glob("linux-source-6.1_*.tar")
        subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
        (folder / "out").mkdir()
        build(folder / "linux-source-6.1", folder / "out")
        yield folder / "out"


def test_the_modules_that_it_needs_are_loaded_and_it_answers(out: Path) -> None:
    found = kernel.find(str(out))
    assert found.modules is not None
    order = next(each.content for each in members(found.modules.read_bytes()) if each.name == "modules/order")
    assert order.split()[-1] == b"8250"
    with make_target(f"qemu:{out}").session() as session:
        assert session.info.release.startswith("6.1.")
