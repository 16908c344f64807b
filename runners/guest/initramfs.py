# SPDX-License-Identifier: Apache-2.0
"""The first file system of a guest: a cpio archive with a probe as /init and nothing else to run.

Modules that the kernel needs are a second archive behind it: the kernel unpacks all that there are.

No compression: a
kernel of our own has no decompressor, and unpacking a megabyte takes longer than copying it.
"""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING

from lockproof.runners.host import cache
from lockproof.runners.host.cpio import Entry, cpio

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["archive", "initramfs"]


def initramfs(probe: Path, modules: Path | None = None) -> Path:
    """Return the file of the archive with that probe, in the cache; `modules`: the other one. Raises StoreError."""
    with cache.reporting(probe):
        content = archive(probe.read_bytes()) + (modules.read_bytes() if modules else b"")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return cache.once(cache.directory() / "initramfs" / f"{digest}.cpio", lambda path: _write(path, content))


def archive(init: bytes) -> bytes:
    """Return the bytes of the archive, the same for the same /init."""
    folders = [Entry(name, stat.S_IFDIR | 0o755) for name in ("dev", "proc", "sys", "tmp", "root")]
    nodes = [
        Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),  # the kernel opens it for /init
        Entry("dev/null", stat.S_IFCHR | 0o666, device=(1, 3)),
    ]
    entries = [*folders, *nodes, Entry("init", stat.S_IFREG | 0o755, init), Entry("TRAILER!!!", 0)]
    return cpio(entries)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
