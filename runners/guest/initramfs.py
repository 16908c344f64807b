# SPDX-License-Identifier: Apache-2.0
"""The first file system of a guest: a cpio archive of the form newc, with a probe as /init and nothing else to run.

Modules that the kernel needs are a second archive behind it: the kernel unpacks all that there are.

Documentation/driver-api/early-userspace/buffer-format.rst of the kernel is its specification. No compression: a
kernel of our own has no decompressor, and unpacking a megabyte takes longer than copying it.
"""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING, NamedTuple

from lockproof.runners.host import cache

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["archive", "initramfs", "modules_archive"]


class _Entry(NamedTuple):
    name: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def initramfs(probe: Path, modules: Path | None = None) -> Path:
    """Return the file of the archive with that probe, in the cache; `modules`: the other one. Raises StoreError."""
    with cache.reporting(probe):
        content = archive(probe.read_bytes()) + (modules.read_bytes() if modules else b"")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return cache.once(cache.directory() / "initramfs" / f"{digest}.cpio", lambda path: _write(path, content))


def archive(init: bytes) -> bytes:
    """Return the bytes of the archive, the same for the same /init."""
    folders = [_Entry(name, stat.S_IFDIR | 0o755) for name in ("dev", "proc", "sys", "tmp", "root")]
    nodes = [
        _Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),  # the kernel opens it for /init
        _Entry("dev/null", stat.S_IFCHR | 0o666, device=(1, 3)),
    ]
    entries = [*folders, *nodes, _Entry("init", stat.S_IFREG | 0o755, init), _Entry("TRAILER!!!", 0)]
    return _joined(entries)


def modules_archive(modules: Mapping[str, bytes]) -> bytes:
    """Return the bytes of an archive with modules, which the probe loads in their order; empty: there are none."""
    if not modules:
        return b""
    order = "".join(f"{name}\n" for name in modules).encode()
    files = {"order": order} | {f"{name}.ko": content for name, content in modules.items()}
    entries = [_Entry(f"modules/{name}", stat.S_IFREG | 0o644, content) for name, content in files.items()]
    return _joined([_Entry("modules", stat.S_IFDIR | 0o755), *entries, _Entry("TRAILER!!!", 0)])


def _joined(entries: list[_Entry]) -> bytes:
    return b"".join(_encode(number, entry) for number, entry in enumerate(entries, 1))


def _encode(number: int, entry: _Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    # inode, mode, owner, group, links, time, size, device of the file, device that it is, length of the name, checksum
    fields = (number, entry.mode, 0, 0, 1, 0, len(entry.content), 0, 0, *entry.device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % value for value in fields)
    return _padded(header + name) + _padded(entry.content)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
