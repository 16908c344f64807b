# SPDX-License-Identifier: Apache-2.0
"""What is compressed by gzip, xz, lzma, bzip2, zstd or lz4, as a stream that is bounded and knows where it was cut."""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

import lz4.block
import lz4.frame
import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DamagedError", "TruncatedError", "is_compressed", "plain"]

_FED = 4096
"""Bytes of input at a time: zstd, the densest of all, makes 128 MiB of them at most."""
_LEGACY_BLOCK = 8 << 20
"""Bytes that a block of the older form of lz4 unpacks to at most."""


class DamagedError(Exception):
    """What is wrong with compressed bytes; the reader knows of which file they are."""


class TruncatedError(DamagedError):
    """That the end is missing."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("it is truncated")


class _Decompressor(Protocol):
    """What the modules of all formats have."""

    @property
    def eof(self) -> bool:
        """Whether the stream may end here."""

    @property
    def unused_data(self) -> bytes | None:
        """What came behind its end."""

    def decompress(self, data: bytes, /) -> bytes:
        """Return what can be said after these bytes."""


@dataclass(slots=True)
class _LegacyLz4:
    """`lz4 -l`, which the kernel uses: a magic number, then blocks, each behind its size. There is no end."""

    held: bytes = b""
    eof: bool = False
    unused_data: bytes = b""
    begun: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the last block was read to its end."""
        return self.begun and not self.held

    def decompress(self, data: bytes, /) -> bytes:
        self.held += data
        if not self.begun and len(self.held) >= len(_LEGACY):
            self.held, self.begun = self.held[len(_LEGACY) :], True
        found = []
        while len(self.held) >= struct.calcsize("<I"):
            size = struct.unpack_from("<I", self.held)[0]
            if size > 2 * _LEGACY_BLOCK:
                msg = "a block that is too large"
                raise DamagedError(msg)
            if len(self.held) < 4 + size:
                break
            found.append(lz4.block.decompress(self.held[4 : 4 + size], uncompressed_size=_LEGACY_BLOCK))
            self.held = self.held[4 + size :]
        return b"".join(found)


_LEGACY = b"\x02\x21\x4c\x18"
_FORMATS: dict[bytes, Callable[[], object]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS),
    b"\xfd7zXZ\0": lzma.LZMADecompressor,
    b"\x5d\0\0": lzma.LZMADecompressor,
    b"BZh": bz2.BZ2Decompressor,
    b"\x28\xb5\x2f\xfd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    b"\x04\x22\x4d\x18": lz4.frame.LZ4FrameDecompressor,
    _LEGACY: _LegacyLz4,
}
"""By how a stream begins."""
_LONGEST = max(map(len, _FORMATS))
_ERRORS = (zlib.error, lzma.LZMAError, zstandard.ZstdError, lz4.block.LZ4BlockError, EOFError, RuntimeError, OSError)
"""What the modules raise on bytes that are none of theirs."""


def is_compressed(beginning: bytes) -> bool:
    """Tell whether a file that begins so is compressed as a whole."""
    return _format(beginning) is not None


def plain(file: BinaryIO, limit: int) -> BinaryIO:
    """Return the content of a file that can be searched, from where it is: unpacked, or itself.

    Reading raises DamagedError where it is cut or damaged, or unpacks to more than `limit` bytes.
    """
    beginning = file.read(_LONGEST)
    file.seek(-len(beginning), io.SEEK_CUR)
    new = _format(beginning)
    return file if new is None else cast("BinaryIO", io.BufferedReader(_Plain(file, new, limit), 1 << 16))


def _format(beginning: bytes) -> Callable[[], _Decompressor] | None:
    found = next((new for magic, new in _FORMATS.items() if beginning.startswith(magic)), None)
    return cast("Callable[[], _Decompressor] | None", found)


class _Plain(io.RawIOBase):
    """Several streams behind one another are one, as their own programs have it; what else follows is left out."""

    def __init__(self, file: BinaryIO, new: Callable[[], _Decompressor], limit: int) -> None:
        self._file = file
        self._stream: _Decompressor | None = new()
        self._limit = limit
        self._size = 0
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        while not self._ready and self._stream is not None:
            self._ready = memoryview(self._next(self._stream))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _next(self, stream: _Decompressor) -> bytes:
        data = self._file.read(_FED)
        try:
            if stream.eof:
                data = (stream.unused_data or b"") + data  # lz4 has None for nothing
                new = _format(data)
                self._stream = None if new is None else new()
                return b"" if self._stream is None else self._counted(self._stream.decompress(data))
            if not data:
                if isinstance(stream, _LegacyLz4) and stream.is_whole:
                    self._stream = None
                    return b""
                raise TruncatedError
            return self._counted(stream.decompress(data))
        except _ERRORS as error:
            msg = "it is damaged"
            raise DamagedError(msg) from error

    def _counted(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size > self._limit:
            msg = f"it unpacks to more than {self._limit} bytes"
            raise DamagedError(msg)
        return data
