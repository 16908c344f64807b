# SPDX-License-Identifier: Apache-2.0
"""Kernels that a target names and that are not here: fetched, saying so, unless that is forbidden."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from lockproof.conformance.commands.missing import with_kernels
from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners.kernels import catalogue, debian, kernel
from lockproof.runners.kernels.catalogue import CachedKernel
from tests.command import lockproof
from tests.runners.kernels.images import bzimage, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WANTED = CachedKernel(name="debian/6.12", arch="x86_64", version="6.12.1-1", origin="linux-image-6.12.1-amd64 (trixie)")
NOT_HERE = "kernel 'debian/6.12': not fetched yet; run: lockproof kernel fetch debian/6.12"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def fetches(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> list[str]:
    """Let something else fetch kernels; return where the names of those that are asked for come."""
    asked: list[str] = []

    def fetch(name: str, _say: object) -> None:
        asked.append(name)
        do()

    monkeypatch.setattr(debian, "fetch", fetch)
    return asked


def stores() -> None:
    catalogue.store(WANTED, writes(bzimage()))


def test_a_kernel_that_is_here_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    stores()
    asked = fetches(monkeypatch, stores)
    with_kernels(lambda: kernel.find("debian/6.12"), Console, offline=False)
    assert asked == []


@pytest.mark.parametrize("damaged", [False, True])
def test_a_kernel_that_is_not_here_or_damaged_is_fetched_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, *, damaged: bool
) -> None:
    if damaged:
        stores()
        catalogue.known()[0].path.write_bytes(b"")
    asked = fetches(monkeypatch, stores)
    said = io.StringIO()
    console = Console(file=said, width=1000)
    found = with_kernels(lambda: kernel.find("debian/6.12@x86_64-i386"), lambda: console, offline=False)
    assert found.name == "debian/6.12@x86_64-i386"
    assert asked == ["debian/6.12"]
    assert said.getvalue().startswith("kernel 'debian/6.12@x86_64-i386': ")
    assert said.getvalue().endswith(": fetching it (--offline forbids that)\n")


def test_what_is_not_there_after_it_was_fetched_is_an_error_and_not_fetched_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = fetches(monkeypatch, lambda: None)
    with pytest.raises(UsageError, match=NOT_HERE):
        with_kernels(lambda: kernel.find("debian/6.12"), lambda: Console(file=io.StringIO()), offline=False)
    assert asked == ["debian/6.12"]


def test_a_kernel_that_cannot_be_had_is_the_error_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        msg = "the mirror is away"
        raise TargetError(msg)

    fetches(monkeypatch, away)
    with pytest.raises(TargetError, match="the mirror is away"):
        with_kernels(lambda: kernel.find("debian/6.12"), lambda: Console(file=io.StringIO()), offline=False)


@pytest.mark.parametrize("name", ["debian/6.1+fault-injection", "./bzImage"])
def test_what_debian_does_not_have_is_not_fetched(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    asked = fetches(monkeypatch, stores)
    with pytest.raises(UsageError, match=r"not built yet|no such file"):
        with_kernels(lambda: kernel.find(name), Console, offline=False)
    assert asked == []


@pytest.mark.parametrize("command", [
    ("run", "--offline", "-t", "qemu:debian/6.12"),
    ("explore", "--offline", "--count", "1", "qemu:debian/6.12"),
    ("explore", "--offline", "--count", "1", "model:posix", "--against", "qemu:debian/6.12"),
])  # fmt: skip
def test_offline_nothing_is_fetched(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = lockproof(*command, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"{NOT_HERE}\n")
    assert not (tmp_path / "results").exists()


def test_no_kernel_is_fetched_where_no_qemu_is_that_would_boot_it(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = lockproof(
        "run", "-t", "qemu:debian/6.12@riscv64", cwd=tmp_path, env=os.environ | {"PATH": str(tmp_path / "bin")}
    )
    assert done.returncode == 2
    assert done.stderr == (
        "target 'qemu:debian/6.12@riscv64': qemu-system-riscv64, setpriv are not installed; "
        "apt install qemu-system-riscv util-linux (before Debian 13: qemu-system-misc)\n"
    )
    assert not (tmp_path / "cache" / "apt").exists()
