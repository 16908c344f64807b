# SPDX-License-Identifier: Apache-2.0
"""Packages of any distribution, tarballs and build trees: their members one after another, nothing written anywhere.

Debian's are read with python-debian, the headers of rpm's with rpmfile. The content of an rpm is read here: rpmfile
would unpack all of it into memory first. No name of a member ever becomes a path on this machine.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import open_input
from lockproof.runners.kernels.compression import DamagedError, TruncatedError, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rpmfile import RPMFile

__all__ = ["Archive", "Member", "complaining", "open_archive"]

_DEB, _RPM = b"!<arch>\n", b"\xed\xab\xee\xdb"
_TAR = b"ustar"
_TAR_AT = 257
_LEAST, _DENSITY, _MOST = 256 << 20, 100, 16 << 30
"""A package unpacks to so many bytes, or so many times its size, at most; and never to more than the last."""
_LONGEST_NAME = 4096
_VENDORS = {
    "debian": r"@lists\.debian\.org|@debian\.org",
    "ubuntu": r"@lists\.ubuntu\.com|@canonical\.com",
    "proxmox": r"@proxmox\.com",
    "fedora": r"\AFedora Project",
    "redhat": r"\ARed Hat",
    "suse": r"SUSE",
    "arch": r"@archlinux\.org",
}
"""By what packages say of who made them: Maintainer, Vendor or packager."""


class Member(NamedTuple):
    """A file, or a link, of an archive; folders and devices are left out."""

    name: str
    """Without `./` at its beginning."""
    content: BinaryIO | None
    """To be read before the next member is asked for, with `complaining`; None: it is a link."""
    link: str = ""
    """What a link leads to, from the top of the archive; empty: out of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Something with a kernel in it, or with the modules of one."""

    path: Path
    members: Callable[[], Iterator[Member]] = field(compare=False)
    """Reads all of it, from the beginning. Raises UsageError where it is damaged, or names files outside."""
    vendor: str = ""
    """One of those whose versions can be ordered; empty: not known."""
    version: str = ""
    """Of the package; empty: none, or not known."""


def open_archive(path: Path) -> Archive | None:
    """Return the archive that a file or a folder is; None: it is none. Raises UsageError where it cannot be read."""
    if path.is_dir():
        return Archive(path=path, members=lambda: _of_tree(path))
    with complaining(path), open_input(path) as file:
        beginning = file.read(len(_DEB))
        file.seek(0)
        if beginning == _DEB:
            return _deb(path)
        if beginning.startswith(_RPM):
            return _rpm(path)
        try:
            content = plain(file, _limit(file)).read(_TAR_AT + len(_TAR))
        except DamagedError:  # what else may be compressed is said elsewhere
            return None
        return _tar(path) if content[_TAR_AT:] == _TAR else None


@contextmanager
def complaining(path: Path) -> Iterator[None]:
    """Turn what readers of archives raise into a UsageError about a file."""
    try:
        yield
    except DamagedError as error:
        msg = f"{path}: the package cannot be unpacked: {error}; get it again"
        raise UsageError(msg) from error
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        msg = f"{path}: the package cannot be unpacked: it is truncated or damaged ({error}); get it again"
        raise UsageError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}; check the path"
        raise UsageError(msg) from error


def _limit(file: BinaryIO) -> int:
    return min(_MOST, max(_LEAST, _DENSITY * os.fstat(file.fileno()).st_size))


def _vendor(said: str) -> str:
    return next((vendor for vendor, pattern in _VENDORS.items() if re.search(pattern, said)), "")


def _inside(name: str) -> str:
    """Return the name of a member as it is looked for. Raises DamagedError where it is not inside the archive."""
    parts = PurePosixPath(name.removeprefix("./")).parts
    if ".." in parts or name.startswith("/"):
        msg = f"it has a file outside of itself, {name!r:.200}"
        raise DamagedError(msg)
    return "/".join(parts)


def _target(name: str, link: str) -> str:
    """Return what a symbolic link leads to, from the top of the archive; empty: out of it."""
    where = list(PurePosixPath(name).parent.parts) if not link.startswith("/") else []
    for part in PurePosixPath(link.lstrip("/")).parts:
        if part == ".." and not where:
            return ""
        where = where[:-1] if part == ".." else [*where, part]
    # Absolute ones mean the machine that the package is installed on: its own files there, or any other one's.
    return "/".join(where)


# Tarballs, also of Arch Linux


def _tar(path: Path) -> Archive:
    about: dict[str, str] = {}
    for member in _of_tar(path):
        if member.name == ".PKGINFO" and member.content is not None:
            with complaining(path):
                text = member.content.read(1 << 16).decode(errors="replace")
            about = dict(re.findall(r"^(\w+) = (.*)$", text, re.MULTILINE))
        if not member.name.startswith("."):
            break
    vendor = _vendor(about.get("packager", ""))
    return Archive(path=path, members=lambda: _of_tar(path), vendor=vendor, version=about.get("pkgver", ""))


def _of_tar(path: Path) -> Iterator[Member]:
    with complaining(path), open_input(path) as file:
        yield from _tar_members(plain(file, _limit(file)))


def _tar_members(stream: BinaryIO) -> Iterator[Member]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for info in archive:
            if info.isdir():
                continue
            name = _inside(info.name)
            if info.islnk():
                yield Member(name, None, _inside(info.linkname))
            elif info.issym():
                yield Member(name, None, _target(name, info.linkname))
            elif (content := archive.extractfile(info)) is not None:
                yield Member(name, cast("BinaryIO", content))
    while stream.read(1 << 20):  # where it was cut, or is damaged, further on
        pass


# Debian's


def _deb(path: Path) -> Archive:
    from debian.deb822 import Deb822  # noqa: PLC0415  few need it, and it takes its time

    for member in _deb_part(path, "control.tar"):
        if member.name == "control" and member.content is not None:
            with complaining(path):
                said = Deb822(member.content.read(1 << 20))
            vendor = _vendor(said.get("Maintainer", ""))
            members = partial(_deb_part, path, "data.tar")
            return Archive(path=path, members=members, vendor=vendor, version=said.get("Version", ""))
    msg = f"{path}: a package of Debian's kind that does not say what it is; get it again"
    raise UsageError(msg)


def _deb_part(path: Path, part: str) -> Iterator[Member]:
    from debian.arfile import ArError, ArFile  # noqa: PLC0415

    with complaining(path), open_input(path) as file:
        try:
            parts = [each for each in ArFile(fileobj=file).getmembers() if each.name.startswith(part)]
        except (ArError, ValueError, OSError) as error:  # the last: without a number, of what it finds odd
            raise DamagedError(str(error)) from error
        if not parts:
            msg = f"it has no {part}"
            raise DamagedError(msg)
        yield from _tar_members(plain(cast("BinaryIO", parts[0]), _limit(file)))


# Those of Fedora, SUSE, Red Hat


def _rpm(path: Path) -> Archive:
    with complaining(path), open_input(path) as file:
        found = _rpm_headers(file)
    text = {
        name: said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        for name, said in found.headers.items()
    }
    version = f"{text.get('version', '')}-{text.get('release', '')}".strip("-")
    members = partial(_of_rpm, path, found.data_offset)
    return Archive(path=path, members=members, vendor=_vendor(text.get("vendor", "")), version=version)


def _rpm_headers(file: BinaryIO) -> RPMFile:
    try:
        from rpmfile import RPMFile  # noqa: PLC0415
        from rpmfile.errors import RPMError  # noqa: PLC0415
    except ModuleNotFoundError as error:  # Debian's package of lockproof comes without
        msg = "an .rpm takes the Python package rpmfile, which is not installed"
        raise UsageError(msg) from error

    try:
        return RPMFile(fileobj=file)
    except (
        RPMError,
        struct.error,
        AssertionError,
        TypeError,
        ValueError,
        IndexError,
        MemoryError,
    ) as error:  # rpmfile looks at little
        msg = "its headers are truncated or damaged"
        raise DamagedError(msg) from error


def _of_rpm(path: Path, start: int) -> Iterator[Member]:
    with complaining(path), open_input(path) as file:
        file.seek(start)
        yield from _cpio_members(plain(file, _limit(file)))


def _cpio_members(stream: BinaryIO) -> Iterator[Member]:
    """Read what cpio calls newc; Documentation/driver-api/early-userspace/buffer-format.rst of the kernel has it."""
    while True:
        header = _exactly(stream, 110)
        try:
            mode, size, length = (int(header[at : at + 8], 16) for at in (14, 54, 94))
        except ValueError:
            header = b""
        if header[:6] not in {b"070701", b"070702"} or length > _LONGEST_NAME:
            msg = "its content is no cpio archive of the form newc"
            raise DamagedError(msg)
        name = _exactly(stream, length + -(110 + length) % 4)[: length - 1].decode()
        if name == "TRAILER!!!":
            break
        content = _Part(stream, size)
        if stat.S_ISLNK(mode):
            target = content.read(_LONGEST_NAME).decode()
            yield Member(_inside(name), None, _target(_inside(name), target))
        elif stat.S_ISREG(mode):
            yield Member(_inside(name), cast("BinaryIO", content))
        while content.read(1 << 20):
            pass
        _exactly(stream, -size % 4)
    while stream.read(1 << 20):
        pass


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise TruncatedError
    return data


@dataclass(slots=True)
class _Part:
    """The next bytes of a stream, as a file."""

    stream: BinaryIO
    left: int

    def read(self, size: int = -1) -> bytes:
        data = _exactly(self.stream, self.left if size < 0 else min(size, self.left))
        self.left -= len(data)
        return data


# Trees: what make O= leaves, or the root of a system


def _of_tree(top: Path) -> Iterator[Member]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(folders)
        where = Path(folder)
        for name in sorted(names):
            path = where / name
            inner = path.relative_to(top).as_posix()
            if path.is_symlink():
                yield Member(inner, None, _target(inner, os.fsdecode(path.readlink())))
            elif path.is_file():
                with complaining(path), path.open("rb") as file:
                    yield Member(inner, file)
