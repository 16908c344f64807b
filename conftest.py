# SPDX-License-Identifier: Apache-2.0
"""Markers of the suite's own tests: what a test needs. What is missing is skipped with its reason."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import LockproofError, TargetError
from lockproof.runners import qemu, uml
from lockproof.runners.host.cache import directory as cache_directory

if TYPE_CHECKING:
    from collections.abc import Callable


def _root() -> str | None:
    return None if os.geteuid() == 0 else "needs root"


@cache
def _gvisor() -> str | None:
    if shutil.which("runsc") is None:
        return "needs runsc (gVisor) on PATH"
    command = ["runsc", "--network=none", "--platform=systrap", "--ignore-cgroups", "do", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"needs a runsc that runs here: {done.stderr.strip()[-200:]}" if done.returncode else None


@cache
def _uml() -> str | None:
    if shutil.which("linux.uml") is None:
        return "needs linux.uml on PATH (apt install user-mode-linux)"
    try:
        with uml.make("linux.uml").session() as session:
            session.info  # noqa: B018  once it has booted
    except TargetError as error:
        return f"needs another processor for linux.uml: {error}" if uml.ANOTHER_PROCESSOR in str(error) else None
    return None


def _qemu_user() -> str | None:
    return None if shutil.which("qemu-aarch64-static") else "needs qemu-user-static"


@cache
def _qemu(*kernels: str) -> str | None:
    for kernel in kernels:
        try:
            qemu.make(kernel)
        except LockproofError as error:
            return f"needs qemu:{kernel}: {error}"
    return None


@cache
def _kernel_build() -> str | None:
    tools = ("bc", "bison", "flex", "gcc", "gzip", "ld", "make", "patch", "perl", "tar")
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        return f"needs what builds a kernel: {', '.join(missing)}"
    elf = ["gcc", "-E", "-include", "gelf.h", "-x", "c", "/dev/null"]
    done = subprocess.run(elf, capture_output=True, check=False)
    return "needs what builds a kernel: libelf-dev" if done.returncode else None


@cache
def _kernel_source(version: str) -> str | None:
    found = list((cache_directory() / "sources").glob(f"linux-source-{version}_*.tar"))
    return None if found else f"needs what builds a kernel: the sources of debian/{version} in the cache"


@cache
def _tmt() -> str | None:
    missing = [tool for tool in ("tmt", "rsync") if shutil.which(tool) is None]
    return f"needs tmt on PATH, and rsync: {', '.join(missing)}" if missing else None


@cache
def _kirk() -> str | None:
    return "needs kirk on PATH" if shutil.which("kirk") is None else _root()


@cache
def _autopkgtest() -> str | None:
    return "needs autopkgtest" if shutil.which("autopkgtest") is None else _root()


@cache
def _debian_root() -> str | None:
    return "needs mmdebstrap" if shutil.which("mmdebstrap") is None else _root()


@cache
def _container() -> str | None:
    return "needs buildah" if shutil.which("buildah") is None else _debian_root()


@cache
def _busybox() -> str | None:
    tools = ("busybox", "mke2fs", "debugfs")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return f"needs busybox and e2fsprogs on PATH: {', '.join(missing)}" if missing else None


@cache
def _browser() -> str | None:
    if importlib.util.find_spec("playwright") is None:
        return "needs playwright (an extra of lockproof: dev)"
    return None if Path("/usr/bin/chromium").exists() else "needs Debian's chromium"


_NEEDS: dict[str, tuple[Callable[..., str | None], str]] = {
    "root": (_root, "needs root"),
    "autopkgtest": (_autopkgtest, "needs autopkgtest, and root"),
    "kirk": (_kirk, "needs kirk on PATH, and root"),
    "tmt": (_tmt, "needs tmt on PATH, and rsync"),
    "debian_root": (_debian_root, "needs mmdebstrap, root, and a mirror of Debian"),
    "container": (_container, "needs buildah, mmdebstrap, root, and a mirror of Debian"),
    "busybox": (_busybox, "needs busybox and e2fsprogs on PATH"),
    "browser": (_browser, "needs playwright and Debian's chromium"),
    "gvisor": (_gvisor, "needs runsc (gVisor) on PATH"),
    "uml": (_uml, "needs linux.uml on PATH, and a processor that it runs on"),
    "qemu_user": (_qemu_user, "needs qemu-user-static"),
    "kernel_build": (_kernel_build, "needs what builds a kernel"),
    "kernel_source": (_kernel_source, "kernel_source(version): needs the sources of a kernel in the cache"),
    "qemu": (_qemu, "qemu(kernel, ...): needs QEMU and kernels that were fetched or built"),
}
"""By marker, whose arguments are the function's: why the test cannot run here; and what the marker says."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let slow tests be asked for."""
    parser.addoption("--slow", action="store_true", help="run tests that take many minutes too")


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    config.addinivalue_line("markers", "slow: takes many minutes, and runs with --slow only")
    for name, (_, text) in _NEEDS.items():
        config.addinivalue_line("markers", text if text.startswith(name) else f"{name}: {text}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what cannot run here, or was not asked for."""
    if item.get_closest_marker("slow") and not item.config.getoption("--slow"):
        pytest.skip("takes many minutes; asked for with --slow")
    for name, (why_not, _) in _NEEDS.items():
        for mark in item.iter_markers(name):
            if (reason := why_not(*mark.args)) is not None:
                pytest.skip(reason)
