# SPDX-License-Identifier: Apache-2.0
"""SOURCE, what a kernel is built from: a tree, a tarball, or `debian/VERSION`. A tree is copied, never touched."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners.kernels import cache, debian, kernel, tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.runners.kernels.cache import Say

__all__ = ["Source", "resolve"]

_TARBALL = re.compile(r"\.(?:tar(?:\.(?:gz|bz2|xz|zst))?|tgz|txz)")
_UNPACKERS = {".xz": "xz", ".txz": "xz", ".bz2": "bzip2", ".zst": "zstd", ".gz": "gzip", ".tgz": "gzip"}
_MADE = re.compile(r".*\.(?:o|a|ko|cmd)|\.tmp_.*|\.config(?:\.old)?|vmlinux|bzImage")
"""Names of what a build in the tree itself leaves there; `make mrproper` removes the rest."""


@dataclass(frozen=True, slots=True)
class Source:
    """Sources that are there."""

    name: str
    """As the name of what is built from it begins."""
    digest: str
    path: Path
    """A folder or a tarball."""

    def unpack(self, folder: Path) -> None:
        """Copy the sources into a new folder. Raises UsageError where they are none of Linux, and TargetError."""
        folder.mkdir(parents=True)
        if self.path.is_dir():
            names = "\0".join(str(path.relative_to(self.path)) for path in _files(self.path)).encode()
            _tar(["-C", str(self.path), "--null", "--no-recursion", "-T", "-", "-cf", str(folder / ".copy.tar")], names)
            _tar(["-C", str(folder), "-xf", str(folder / ".copy.tar")])
            (folder / ".copy.tar").unlink()
        else:
            _tar(["-C", str(folder), "--strip-components=1", "-xf", str(self.path)])
        _check(folder, self.path)


def resolve(text: str, say: Say) -> Source:
    """Find the sources that a text means; Debian's are fetched. Raises UsageError, TargetError and StoreError."""
    path = Path(text)
    if path.is_dir():
        _check(path, path)
        say(f"reading {text}")
        with cache.reporting(path):
            return Source(_plain(path.resolve().name), _digest(_files(path), path), path.resolve())
    if path.is_file():
        if (suffix := _TARBALL.search(path.name)) is None:
            msg = f"{text}: no sources; give a tree, or a tarball named .tar, .tar.xz, .tar.gz, .tar.bz2 or .tar.zst"
            raise UsageError(msg)
        if path.suffix in _UNPACKERS:
            tools.need(_UNPACKERS[path.suffix], f"unpacking {text}")
        return Source(_plain(path.name[: suffix.start()]), _digest([path], path.parent), path.resolve())
    if kernel.is_debian(text):
        tools.need("xz", f"unpacking the sources of {text}")
        package, tarball = debian.fetch_source(text, say)
        return Source(text, f"{package.name} {package.version}", tarball)
    msg = f"{text}: no such folder or file; give a tree, a tarball, or debian/VERSION such as debian/6.1"
    raise UsageError(msg)


def _plain(name: str) -> str:
    """Leave nothing in a name that the name of a kernel cannot have."""
    return re.sub(r"[^\w.~-]", "-", name)


def _check(folder: Path, path: Path) -> None:
    if not ((folder / "Kconfig").is_file() and (folder / "Makefile").is_file() and (folder / "mm").is_dir()):
        msg = f"{path}: no sources of Linux: Kconfig, Makefile or mm/ are not at its top"
        raise UsageError(msg)


def _files(tree: Path) -> list[Path]:
    """List the files that belong to the sources, in order."""
    found = []
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(name for name in folders if name != ".git")
        where = Path(folder)
        found += [where / name for name in sorted(names) if not _MADE.fullmatch(name)]
        found += [where / name for name in folders if (where / name).is_symlink()]
    return found


def _digest(files: list[Path], top: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(top)}\0".encode(errors="surrogateescape"))
        for block in _content(path):
            digest.update(block)
    return digest.hexdigest()


def _content(path: Path) -> Iterator[bytes]:
    if path.is_symlink():
        yield os.fsencode(path.readlink())
        return
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _tar(arguments: list[str], names: bytes = b"") -> None:
    done = subprocess.run([tools.need("tar"), *arguments], input=names, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        msg = f"{arguments[-1]}: cannot be unpacked: {said[0] if said else 'tar failed'}"
        raise TargetError(msg)
