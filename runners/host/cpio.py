# SPDX-License-Identifier: Apache-2.0
"""cpio archives of the form newc, which kernels unpack as their first file system.

Documentation/driver-api/early-userspace/buffer-format.rst of the kernel is the specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Entry", "cpio"]


class Entry(NamedTuple):
    """A file of an archive; the last one is TRAILER!!!, without a mode."""

    name: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def cpio(entries: Iterable[Entry]) -> bytes:
    """Return the bytes of an archive, the same for the same entries."""
    return b"".join(_encode(number, entry) for number, entry in enumerate(entries, 1))


def _encode(number: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    # inode, mode, owner, group, links, time, size, device of the file, device that it is, length of the name, checksum
    fields = (number, entry.mode, 0, 0, 1, 0, len(entry.content), 0, 0, *entry.device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % value for value in fields)
    return _padded(header + name) + _padded(entry.content)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)
