# SPDX-License-Identifier: Apache-2.0
"""What a file says of itself: for which architecture it is a kernel, and whether all of it is there.

Each format has a header with sizes; a file that is shorter was cut. A kernel that was compressed as a whole is
unpacked into the cache, as not every QEMU does so.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import struct
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import open_input
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.host import cache
from lockproof.runners.kernels.compression import DamagedError, TruncatedError, is_compressed, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Image", "linux_version", "read", "release"]

_LAYERS = 2
"""Compressed ones: gzip around EFI's zboot."""
_LARGEST = 1 << 30
"""Bytes of a kernel that is not compressed."""


class Image(NamedTuple):
    """A kernel image that is whole."""

    path: Path
    arch: str
    """Of its kernel; one of ARCHITECTURES."""


class _Contents(NamedTuple):
    """The bytes of a file, mapped, and how to complain about it."""

    path: Path | str
    """Or what the image is called."""
    data: bytes | mmap.mmap

    def number(self, form: str, at: int) -> int:
        if at + struct.calcsize(form) > len(self.data):
            raise self.cut(at + struct.calcsize(form))
        return int(struct.unpack_from(form, self.data, at)[0])

    def magic(self, text: bytes, at: int) -> bool:
        return self.data[at : at + len(text)] == text

    def cut(self, size: int | None = None) -> UsageError:
        least = "" if size is None else f": it has {len(self.data)} bytes and should have at least {size}"
        return UsageError(f"{self.path}: the kernel image is truncated{least}; get it again")

    def no_kernel(self, what: str) -> UsageError:
        return UsageError(f"{self.path}: {what}")

    def reaches(self, size: int) -> None:
        if size > len(self.data):
            raise self.cut(size)


def read(path: Path, called: str = "") -> Image:
    """Find out what a kernel image is, of which errors say what it is `called`; its path, unless that is given.

    Raises UsageError where it is none, is cut, or cannot be booted; StoreError.
    """
    found, layers = _look(path, called), 0
    while not isinstance(found, Image):
        if layers == _LAYERS:
            msg = f"a kernel compressed more than {layers} times, which is not supported; give the Image inside"
            msg = f"{called or path}: {msg}"
            raise UsageError(msg)
        inner = found
        try:
            found, layers = _look(inner, called or str(path)), layers + 1
        except UsageError:
            cache.remove(inner)  # what is none is not kept
            raise
    return found


def _look(path: Path, called: str) -> Image | Path:
    """Return the image, or the file in the cache with what is compressed in it."""
    try:
        with open_input(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            contents = _Contents(called or path, data)
            return _unpacked(contents) or Image(path, _architecture(contents))
    except OSError as error:
        msg = f"{called or path}: cannot be read as a kernel image: {error.strerror}; check the path"
        raise UsageError(msg) from error
    except ValueError as error:  # mmap
        msg = f"{called or path}: the kernel image is truncated: it is empty; get it again"
        raise UsageError(msg) from error


def release(path: Path) -> str:
    """Return the release that an image says it is of; empty: it does not say."""
    with path.open("rb") as file:
        is_bzimage = file.read(0x206)[0x202:] == b"HdrS"
    return linux_version(path) if is_bzimage else ""


def linux_version(bzimage: Path) -> str:
    """Return the version that a bzImage says it has: kernel_version of its header."""
    with bzimage.open("rb") as file:
        header = file.read(1 << 16)
    start = struct.unpack_from("<H", header, 0x20E)[0] + 0x200
    return header[start : start + 100].split(b" ")[0].split(b"\0")[0].decode(errors="replace")


def _architecture(contents: _Contents) -> str:
    for is_it, architecture in _FORMATS:
        if is_it(contents):
            return architecture(contents)
    size = len(contents.data)
    if size < _SMALLEST:
        msg = f"no kernel image, or the beginning of one: it has only {size} bytes"
        raise contents.no_kernel(msg)
    msg = "no kernel image: neither a bzImage, an Image of arm64 or riscv, an ELF file nor an image of s390"
    raise contents.no_kernel(msg)


_SMALLEST = 0x10010
"""Bytes: no kernel is smaller, and the last of the magic numbers lies before."""


# x86, as Documentation/arch/x86/boot.rst has it


def _is_bzimage(contents: _Contents) -> bool:
    return contents.magic(b"HdrS", 0x202)


def _bzimage(contents: _Contents) -> str:
    setup_sectors = contents.number("<B", 0x1F1) or 4
    contents.reaches((setup_sectors + 1) * 512 + contents.number("<I", 0x1F4) * 16)
    since_xloadflags = 0x20C
    loads_at_64 = contents.number("<H", 0x206) >= since_xloadflags and contents.number("<H", 0x236) & 1
    return "x86_64" if loads_at_64 else "i386"


# arm64 and riscv, as Documentation/arch/arm64/booting.rst and riscv/boot-image-header.rst have them


def _is_arm64(contents: _Contents) -> bool:
    return contents.magic(b"ARMd", 56)


def _arm64(contents: _Contents) -> str:
    _pe_sections(contents)
    pages_of_16k = 2
    return "arm64-16k" if contents.number("<Q", 24) >> 1 & 3 == pages_of_16k else "arm64"


def _is_riscv(contents: _Contents) -> bool:
    return contents.magic(b"RSC\x05", 56)


def _riscv(contents: _Contents) -> str:
    _pe_sections(contents)
    return "riscv64"


def _pe_sections(contents: _Contents) -> None:
    """Check that all is there, by the EFI header: the image's own one has the size in memory only."""
    pe = contents.number("<I", 60)
    if not pe or not contents.magic(b"PE\0\0", pe):
        contents.reaches(_SMALLEST)
        return
    sections, optional = contents.number("<H", pe + 6), contents.number("<H", pe + 20)
    for number in range(sections):
        section = pe + 24 + optional + 40 * number
        contents.reaches(contents.number("<I", section + 16) + contents.number("<I", section + 20))


# s390, as arch/s390/boot/head.S and vmlinux.lds.S have it


def _is_s390(contents: _Contents) -> bool:
    return contents.magic(b"S390EP", 0x10008)


def _s390(contents: _Contents) -> str:
    # No size anywhere. The last 32 bytes of the image are a trailer; a signature may follow.
    end = len(contents.data)
    if contents.data[end - 5 :] != b"\x20zIPL" and not contents.magic(b"~Module signature appended~\n", end - 28):
        raise contents.cut()
    return "s390x"


# ELF

_ELFCLASS64 = 2
_X86_64 = 62
_PT_NOTE = 4
_PHYS32_ENTRY = struct.pack("<I4s", 18, b"Xen\0")
"""Type and name of XEN_ELFNOTE_PHYS32_ENTRY."""
_OTHER_IMAGES = {3: "arch/x86/boot/bzImage", 62: "arch/x86/boot/bzImage", 183: "arch/arm64/boot/Image"}


def _is_elf(contents: _Contents) -> bool:
    return contents.magic(b"\x7fELF", 0)


def _elf(contents: _Contents) -> str:
    order = "<" if contents.number("<B", 5) == 1 else ">"
    machine = contents.number(order + "H", 18)
    wide = contents.number("<B", 4) == _ELFCLASS64
    if machine == _X86_64 and wide and _has_pvh(contents):
        _elf_parts(contents, order)
        return "x86_64"
    if machine in _OTHER_IMAGES:
        msg = f"an ELF file, which QEMU does not boot on this architecture; give {_OTHER_IMAGES[machine]}"
        raise contents.no_kernel(msg)
    for known in ARCHITECTURES.values():
        if wide and known.elf == machine and known.big_endian == (order == ">"):
            _elf_parts(contents, order)
            return known.kernel
    bits, endian = "64" if wide else "32", "little" if order == "<" else "big"
    msg = f"a kernel of an architecture that is not supported (ELF machine {machine}, {bits} bits, {endian}-endian)"
    raise contents.no_kernel(msg)


def _has_pvh(contents: _Contents) -> bool:
    """Tell whether a vmlinux says where QEMU can enter it: a note of Xen, with CONFIG_PVH."""
    for number in range(contents.number("<H", 56)):
        at = contents.number("<Q", 32) + 56 * number
        if contents.number("<I", at) == _PT_NOTE:
            start = contents.number("<Q", at + 8)
            notes = contents.data[start : start + contents.number("<Q", at + 32)]
            if _PHYS32_ENTRY in notes:
                return True
    return False


def _elf_parts(contents: _Contents, order: str) -> None:
    segments, sections = contents.number(order + "Q", 32), contents.number(order + "Q", 40)
    for number in range(contents.number(order + "H", 56)):
        at = segments + 56 * number
        contents.reaches(contents.number(order + "Q", at + 8) + contents.number(order + "Q", at + 32))
    contents.reaches(sections + 64 * contents.number(order + "H", 60))


_FORMATS: tuple[tuple[Callable[[_Contents], bool], Callable[[_Contents], str]], ...] = (
    (_is_bzimage, _bzimage),
    (_is_arm64, _arm64),
    (_is_riscv, _riscv),
    (_is_elf, _elf),
    (_is_s390, _s390),
)


# Compressed as a whole: vmlinuz of arm64 (gzip), vmlinux of SUSE (xz, zstd), and EFI's zboot
# as drivers/firmware/efi/libstub/zboot-header.S has it


def _unpacked(contents: _Contents) -> Path | None:
    packed: bytes
    if is_compressed(contents.data[:16]):
        packed = contents.data[:]
    elif contents.magic(b"zimg", 4):
        start, size = contents.number("<I", 8), contents.number("<I", 12)
        contents.reaches(start + size)
        packed = contents.data[start : start + size]
        if not is_compressed(packed[:16]):
            way = contents.data[24:32].split(b"\0")[0].decode(errors="replace")
            msg = f"a kernel compressed by {way}, which is not supported; give the Image inside it"
            raise contents.no_kernel(msg)
    else:
        return None

    def unpack(new: Path) -> None:
        content = plain(io.BytesIO(packed), _LARGEST)
        try:
            with new.open("wb") as file:
                while block := content.read(1 << 20):
                    file.write(block)
        except TruncatedError:
            raise contents.cut() from None
        except DamagedError as error:
            msg = f"no kernel image: {error}"
            raise contents.no_kernel(msg) from error

    digest = hashlib.sha256(packed).hexdigest()[:16]
    return cache.once(cache.directory() / "kernels" / "unpacked" / digest, unpack)
