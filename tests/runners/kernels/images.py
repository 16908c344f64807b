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
