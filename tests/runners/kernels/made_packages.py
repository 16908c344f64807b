# SPDX-License-Identifier: Apache-2.0
"""Packages as distributions make them, in a few lines: of Debian's kind, rpm's, Arch Linux's, and plain tarballs."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
from typing import TYPE_CHECKING, NamedTuple

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Link(NamedTuple):
    """A symbolic link, or a hard one."""

    target: str
    is_hard: bool = False


def xz(content: bytes) -> bytes:
    return lzma.compress(content, preset=0)


def zst(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def tarball(files: Mapping[str, bytes | Link]) -> bytes:
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, Link):
                info.type, info.linkname = tarfile.LNKTYPE if content.is_hard else tarfile.SYMTYPE, content.target
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return result.getvalue()


def deb(
    files: Mapping[str, bytes | Link],
    *,
    maintainer: str = "Debian Kernel Team <debian-kernel@lists.debian.org>",
    version: str = "6.12.107-1",
    pack: Callable[[bytes], bytes] = xz,
    suffix: str = "xz",
) -> bytes:
    control = f"Package: linux-image\nVersion: {version}\nArchitecture: amd64\nMaintainer: {maintainer}\n".encode()
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": xz(tarball({"./control": control})),
        f"data.tar.{suffix}": pack(tarball({f"./{name}": content for name, content in files.items()})),
    }
    result = b"!<arch>\n"
    for name, content in parts.items():
        result += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        result += content + b"\n" * (len(content) % 2)
    return result


def arch_package(files: Mapping[str, bytes | Link], *, version: str = "6.18.1.arch1-1") -> bytes:
    about = f"pkgname = linux\npkgver = {version}\npackager = Someone <someone@archlinux.org>\narch = x86_64\n"
    return zst(tarball({".PKGINFO": about.encode(), **files}))


def cpio(files: Mapping[str, bytes | Link]) -> bytes:
    result = b""
    for number, (name, content) in enumerate({**files, "TRAILER!!!": b""}.items(), 1):
        mode = 0o120777 if isinstance(content, Link) else 0o100644
        data = content.target.encode() if isinstance(content, Link) else content
        path = (name if name == "TRAILER!!!" else f"./{name}").encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        result += header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)
    return result


def rpm(
    files: Mapping[str, bytes | Link],
    *,
    vendor: str = "Fedora Project",
    version: str = "6.12.5",
    release: str = "200.fc41",
    pack: Callable[[bytes], bytes] = zst,
) -> bytes:
    """Write the lead, an empty signature, the headers that say what it is, and the content."""
    lead = struct.pack(">4sBBhh66shh16s", b"\xed\xab\xee\xdb", 3, 0, 0, 1, b"kernel-core", 1, 5, b"")
    about = {1000: "kernel-core", 1001: version, 1002: release, 1011: vendor, 1022: "x86_64", 1125: "zstd"}
    return lead + _rpm_header({1000: "0"}) + _rpm_header(about) + pack(cpio(files))


def _rpm_header(values: Mapping[int, str]) -> bytes:
    store, entries = b"", b""
    for tag, value in values.items():
        entries += struct.pack(">iiii", tag, 6, len(store), 1)
        store += value.encode() + b"\0"
    store += bytes(-len(store) % 8)
    return b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">ii", len(values), len(store)) + entries + store
