# SPDX-License-Identifier: Apache-2.0
"""SOURCE, what a kernel is built from: a tree, a tarball, or `debian/VERSION`. A tree is copied, never touched."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.conformance.files import open_input
from lockproof.runners.host import processes, tools
from lockproof.runners.kernels import debian, kernel

if TYPE_CHECKING:
    from lockproof.runners.host.cache import Say

__all__ = ["Source", "resolve"]

_TARBALL = re.compile(r"\.(?:tar(?:\.(?:gz|bz2|xz|zst))?|tgz|txz)\Z")
_UNPACKERS = {".xz": "xz", ".txz": "xz", ".bz2": "bzip2", ".zst": "zstd", ".gz": "gzip", ".tgz": "gzip"}
_LEFT = re.compile(r".*\.(?:o|a|ko|cmd)|\.tmp_.*|\.config(?:\.old)?|vmlinux|bzImage|\.git")
"""Names of files that a build in the tree itself leaves there, `make mrproper` removes the rest; and a worktree's."""


@dataclass(frozen=True, slots=True)
class Source:
    """Sources that are there."""

    name: str
    """As the name of what is built from it begins."""
    digest: str
    path: Path
    """A folder or a tarball."""

    def unpack(self, folder: Path, lock: int | None = None) -> None:
        """Copy the sources into a new folder; `lock`: what keeps it locked as long as anything writes there.

        Raises UsageError where they are none of Linux, and TargetError.
        """
        folder.mkdir(parents=True)
        if self.path.is_dir():
            names = b"\0".join(os.fsencode(path.relative_to(self.path)) for path in _files(self.path))
            copy = ["-C", str(self.path), "--null", "--no-recursion", "-T", "-", "-cf", str(folder / ".copy.tar")]
            _tar(copy, lock, names)
            _tar(["-C", str(folder), "-xf", str(folder / ".copy.tar")], lock)
            (folder / ".copy.tar").unlink()
        else:
            _tar(["-C", str(folder), "--strip-components=1", "-xf", str(self.path)], lock)
        _check(folder, self.path)


def resolve(text: str, say: Say) -> Source:
    """Find the sources that a text means; Debian's are fetched. Raises UsageError, TargetError and StoreError."""
    path, mode = Path(text), kernel.mode(text)
    if stat.S_ISDIR(mode):
        _check(path, path)
        say(f"reading {text}")
        return Source(_plain(path.resolve().name), _digest(_files(path), path), path.resolve())
    if stat.S_ISREG(mode):
        if (suffix := _TARBALL.search(path.name)) is None:
            msg = f"{text}: no sources; give a tree, or a tarball named .tar, .tar.xz, .tar.gz, .tar.bz2 or .tar.zst"
            raise UsageError(msg)
        if path.suffix in _UNPACKERS:
            tools.need(_UNPACKERS[path.suffix], f"unpacking {text}")
        tarball = path.resolve()
        return Source(_plain(path.name[: suffix.start()]), _digest([tarball], tarball.parent), tarball)
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
        found += [where / name for name in sorted(names) if not _LEFT.fullmatch(name)]
        found += [where / name for name in folders if (where / name).is_symlink()]
    return found


def _digest(files: list[Path], top: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(os.fsencode(path.relative_to(top)) + b"\0" + _content(path))
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    """Return the target of a link or the digest of a file; its end is plain, and neither can be taken for the other."""
    try:
        if path.is_symlink():
            return b"link " + os.fsencode(path.readlink()) + b"\0"
        with open_input(path) as file:
            return b"file " + hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; check its permissions"
        raise UsageError(msg) from error


def _tar(arguments: list[str], lock: int | None, names: bytes = b"") -> None:
    command = [tools.need("tar"), *arguments]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    done = processes.run(command, input=names, pass_fds=() if lock is None else (lock,), **streams)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        msg = f"{arguments[-1]}: cannot be unpacked: {said[0] if said else 'tar failed'}"
        raise TargetError(msg)
