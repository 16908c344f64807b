# SPDX-License-Identifier: Apache-2.0
"""The probe as an executable: the one that was built for this machine, and those for other architectures.

These are static. Wheels bring them along (the option `portable` in meson.options); otherwise they are compiled once,
from the sources that lockproof brings.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError, UsageError, suggest
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.host import cache, processes, tools

if TYPE_CHECKING:
    from lockproof.runners.architectures import Architecture
    from lockproof.runners.host.cache import Say

__all__ = ["host_probe", "probe_for"]

_FLAGS = ("-std=gnu11", "-O2", "-static", "-s", "-Wl,--build-id=sha1")


@dataclass(frozen=True, slots=True)
class _Compiler:
    command: tuple[str, ...]
    identity: str
    """Changes when the compiler does."""


def host_probe() -> str:
    """Return the path of the probe that was built for this machine. Raises UsageError where it cannot be executed."""
    return tools.executable(
        str(files("lockproof") / "native" / "lockproof-probe"), "the probe of this machine", "install lockproof again"
    )


def probe_for(arch: str, say: Say | None = None) -> Path:
    """Return the probe for an architecture. Raises UsageError without it and a compiler, TargetError, StoreError."""
    if arch not in ARCHITECTURES:
        msg = f"architecture {arch!r}: not supported; {suggest(arch, ARCHITECTURES)}"
        raise UsageError(msg)
    architecture = ARCHITECTURES[arch]
    if platform.machine() in architecture.host:
        return Path(host_probe())
    brought = Path(str(files("lockproof") / "native" / f"lockproof-probe-{architecture.triple}"))
    if brought.is_file():
        return brought
    folder, sources = _sources()
    compiler = _compiler(architecture)
    digest = hashlib.sha256(repr((compiler, _FLAGS)).encode())
    for source in sources:
        digest.update(f"{source.relative_to(folder)} {source.stat().st_size}\n".encode() + source.read_bytes())
    path = cache.directory() / "probes" / f"{architecture.triple}-{digest.hexdigest()[:16]}"

    def compile_it(new: Path) -> None:
        if say:
            say(f"compiling the probe for {arch}")
        _compile(compiler, [f"-I{folder}", *(str(source) for source in sources if source.suffix == ".c")], new, arch)

    return cache.once(path, compile_it, say)


def _sources() -> tuple[Path, list[Path]]:
    """Return the folder of the probe, and the C files and headers in it and in the rooms below it."""
    # Under an editable install a folder is no path, while a file in it is one.
    folder = Path(str(files("lockproof") / "native" / "probe" / "probe.c")).parent
    return folder, sorted(folder.rglob("*.[ch]"))


def _compiler(architecture: Architecture) -> _Compiler:
    """Choose Debian's cross compiler where it is installed with its C library, else zig."""
    gcc = shutil.which(f"{architecture.triple}-gcc")
    if gcc is not None and Path(_ask(gcc, "-print-file-name=libc.a")).is_absolute():
        return _Compiler((gcc,), _ask(gcc, "-dumpfullversion"))
    try:
        zig = version("ziglang")
    except PackageNotFoundError:
        debian = f"gcc-{architecture.triple.replace('_', '-')} {architecture.libc}"
        what = f"the probe for {architecture.name} cannot be compiled here: no compiler"
        msg = f"{what}; pip install 'lockproof[cross]', or apt install {debian}"
        raise UsageError(msg) from None
    return _Compiler((sys.executable, "-m", "ziglang", "cc", "-target", architecture.zig), zig)


def _ask(compiler: str, question: str) -> str:
    return subprocess.run([compiler, question], capture_output=True, text=True, check=False).stdout.strip()


def _compile(compiler: _Compiler, sources: list[str], output: Path, arch: str) -> None:
    zig_cache = str(cache.directory() / "zig")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": zig_cache, "ZIG_LOCAL_CACHE_DIR": zig_cache, "LC_ALL": "C"}
    command = [*compiler.command, *_FLAGS, "-o", str(output), *sources]
    done = processes.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        said = done.stdout.decode(errors="replace")
        if "No space left" in said or "NoSpaceLeft" in said:
            msg = f"{output.parent}: no space left for the probe; make room, or set LOCKPROOF_CACHE"
            raise TargetError(msg)
        lines = [line for line in said.splitlines() if "error" in line] or said.splitlines()
        msg = f"the probe for {arch} cannot be compiled by {compiler.command[0]}: {'; '.join(lines[:3])}"
        raise TargetError(msg)
