# SPDX-License-Identifier: Apache-2.0
"""The smallest files that are images of kernels."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def bzimage(*, bits: int = 64, size: int = 2048) -> bytes:
    """Write the smallest image that is one of x86: a boot sector, a sector of setup, and the rest."""
    data = bytearray(size)
    data[0x1F1] = 1
    struct.pack_into("<I", data, 0x1F4, (size - 1024) // 16)
    struct.pack_into("<4sH", data, 0x202, b"HdrS", 0x20F)
    struct.pack_into("<H", data, 0x236, bits == 64)
    return bytes(data)


def arm64(pages: int = 1) -> bytes:
    data = bytearray(0x10010)
    struct.pack_into("<Q", data, 24, pages << 1)
    struct.pack_into("<4s", data, 56, b"ARMd")
    return bytes(data)


def writes(content: bytes) -> Callable[[Path], None]:
    def write(new: Path) -> None:
        new.write_bytes(content)

    return write


def patched(size: int, *parts: tuple[int, bytes]) -> bytes:
    """Fill a file with what compresses badly, and put the parts where they belong."""
    data = bytearray(i * 7 & 0xFF for i in range(256)) * (size // 256 + 1)
    del data[size:]
    for at, part in parts:
        data[at : at + len(part)] = part
    return bytes(data)


def elf(machine: int, order: str = "<", bits: int = 64, sections: int = 3) -> bytes:
    """Write an ELF file with two segments and, at its end, headers of sections."""
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1, *[0] * 9])
    header = struct.pack(
        f"{order}HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 650 if sections else 0, 0, 64, 56, 2, 64, sections, 0
    )
    segments = b"".join(
        struct.pack(f"{order}IIQQQQQQ", 1, 5, at, 0, 0, size, size, 1) for at, size in ((200, 300), (500, 150))
    )
    return patched(650 + 64 * sections, (0, ident + header), (64, segments))
