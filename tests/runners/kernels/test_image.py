# SPDX-License-Identifier: Apache-2.0
"""Kernel images: synthetic ones of every format, whole, cut at every place, and bytes that are none at all."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockproof.conformance.errors import StoreError, UsageError
from lockproof.runners.kernels import image
from tests.runners.kernels.images import elf, patched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALLEST = 0x10010
"""Bytes: what has no size in its header is never shorter."""


def bzimage(*, protocol: int = 0x20F, loads_at_64: int = 1, sectors: int = 1, paragraphs: int = 40) -> bytes:
    size = ((sectors or 4) + 1) * 512 + 16 * paragraphs
    version = b"6.12.1-test (builder) #1\0"
    return patched(
        size,
        (0x1F1, struct.pack("<B", sectors)),
        (0x1F4, struct.pack("<I", paragraphs)),
        (0x202, b"HdrS" + struct.pack("<H", protocol)),
        (0x20E, struct.pack("<H", 0x300 - 0x200)),
        (0x236, struct.pack("<H", loads_at_64)),
        (0x300, version),
    )


def pe(*sections: tuple[int, int]) -> bytes:
    """Write an EFI header with sections, each its size and where it begins."""
    header = struct.pack("<4sHHIIIHH", b"PE\0\0", 0xAA64, len(sections), 0, 0, 0, 16, 0) + bytes(16)
    return header + b"".join(struct.pack("<8sIIII16x", b".text", size, 0, size, at) for size, at in sections)


def efi_image(magic: bytes, flags: int = 0, *sections: tuple[int, int]) -> bytes:
    """Write an Image of arm64 or riscv, with an EFI header where it has sections."""
    size = max((size + at for size, at in sections), default=SMALLEST)
    return patched(
        size,
        (24, struct.pack("<Q", flags)),
        (56, magic),
        (60, struct.pack("<I", 64 if sections else 0)),
        *([(64, pe(*sections))] if sections else []),
    )


def arm64(pages: int = 1, *sections: tuple[int, int]) -> bytes:
    return efi_image(b"ARMd", pages << 1, *sections)


def riscv(*sections: tuple[int, int]) -> bytes:
    return efi_image(b"RSC\x05", 0, *sections)


def s390(ending: bytes = b"\x20zIPL") -> bytes:
    return patched(SMALLEST + 100, (0x10008, b"S390EP")) + ending


def zboot(payload: bytes, way: bytes = b"gzip") -> bytes:
    return b"MZ\0\0zimg" + struct.pack("<II8x", 64, len(payload)) + way.ljust(40, b"\0") + payload


def compressed(content: bytes, times: int) -> bytes:
    for _ in range(times):
        content = gzip.compress(content)
    return content


WHOLE = {
    "bzImage": (bzimage(), "x86_64"),
    "bzImage whose header has no number of sectors": (bzimage(sectors=0), "x86_64"),
    "bzImage that does not load at 64 bits": (bzimage(loads_at_64=0), "i386"),
    "bzImage of a protocol that does not say": (bzimage(protocol=0x20B), "i386"),
    "arm64 with pages of 4K": (arm64(1), "arm64"),
    "arm64 with pages of 16K": (arm64(2), "arm64-16k"),
    "arm64 with pages of 64K": (arm64(3), "arm64"),
    "arm64 with EFI": (arm64(1, (512, 1024), (700, 1536)), "arm64"),
    "riscv": (riscv(), "riscv64"),
    "riscv with EFI": (riscv((256, 512), (1000, 768)), "riscv64"),
    "ELF of ppc64le": (elf(21), "ppc64le"),
    "ELF of riscv": (elf(243), "riscv64"),
    "ELF of s390": (elf(22, ">"), "s390x"),
    "ELF without sections": (elf(21, sections=0), "ppc64le"),
    "s390": (s390(), "s390x"),
    "gzip of arm64": (gzip.compress(arm64(1, (512, 1024))), "arm64"),
    "gzip of zboot of arm64": (gzip.compress(zboot(gzip.compress(arm64(2, (512, 1024))))), "arm64-16k"),
    "zboot of arm64": (zboot(gzip.compress(arm64(2, (512, 1024)))), "arm64-16k"),
}


def without_bytes(value: object) -> str | None:
    """Keep the bytes of an image out of a test's name."""
    return "" if isinstance(value, bytes) else None


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what is unpacked away from the user's cache."""
    made = tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKPROOF_CACHE", str(made / "cache"))
        yield made


def read(folder: Path, content: bytes) -> image.Image:
    path = folder / "image"
    path.write_bytes(content)
    return image.read(path)


def refused(folder: Path, content: bytes) -> str:
    """Return what is said against a file, without its name."""
    with pytest.raises(UsageError) as caught:
        read(folder, content)
    path, _, what = str(caught.value).partition(": ")
    assert path == str(folder / "image")
    assert "\n" not in what
    return what


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_image_is_known_by_its_header(folder: Path, name: str) -> None:
    content, arch = WHOLE[name]
    assert read(folder, content).arch == arch


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
@settings(max_examples=60)
def test_an_image_that_was_cut_anywhere_is_refused(folder: Path, name: str, data: st.DataObject) -> None:
    content, _ = WHOLE[name]
    length = data.draw(st.one_of(st.integers(0, 1024), st.integers(0, len(content) - 1)).filter(len(content).__gt__))
    what = refused(folder, content[:length])
    assert what.startswith(("the kernel image is truncated", "no kernel image, or the beginning of one: "))


@pytest.mark.parametrize("name", [name for name, (content, _) in WHOLE.items() if len(content) < 3000])
def test_the_last_byte_of_an_image_is_missed(folder: Path, name: str) -> None:
    content, _ = WHOLE[name]
    assert refused(folder, content[:-1]).startswith("the kernel image is truncated")


def test_a_cut_image_says_how_much_there_is_and_should_be(folder: Path) -> None:
    assert refused(folder, bzimage()[:1100]) == (
        "the kernel image is truncated: it has 1100 bytes and should have at least 1664; get it again"
    )


@pytest.mark.parametrize(
    ("content", "arch"), [(bzimage(), "x86_64"), (arm64(), "arm64"), (s390(), "s390x")], ids=without_bytes
)
def test_a_signature_after_a_whole_image_does_no_harm(folder: Path, content: bytes, arch: str) -> None:
    assert read(folder, content + b"signature~Module signature appended~\n").arch == arch


HEADS = [content[:1024] for content, _ in WHOLE.values()] + [b"\x1f\x8b\x08", b"MZ\0\0zimg"]
NUMBERS = st.sampled_from([b"\0", b"\xff", b"\xff\xff", b"\xff" * 4, b"\0\0\0\x80", b"\xff" * 8, b"\x01\0"])


@given(st.one_of(st.binary(), st.builds(bytes.__add__, st.sampled_from(HEADS), st.binary(max_size=64))), st.data())
@settings(max_examples=400)
def test_any_bytes_are_an_image_or_a_usage_error_of_one_line(folder: Path, content: bytes, data: st.DataObject) -> None:
    changed = bytearray(content)
    for at, number in data.draw(st.lists(st.tuples(st.integers(0, max(0, len(content) - 1)), NUMBERS), max_size=4)):
        changed[at : at + len(number)] = number
    try:
        said = str(read(folder, bytes(changed)).path)
    except UsageError as error:
        said = str(error)
    assert said.startswith(str(folder))
    assert "\n" not in said


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the kernel image is truncated: it is empty; get it again"),
        (b"#!/bin/sh\n", "no kernel image, or the beginning of one: it has only 10 bytes"),
        (bytes(SMALLEST), "no kernel image: neither a bzImage, an Image of arm64 or riscv, an ELF file nor an image of s390"),
        (elf(62), "an ELF file, which QEMU does not boot on this architecture; give arch/x86/boot/bzImage"),
        (elf(183), "an ELF file, which QEMU does not boot on this architecture; give arch/arm64/boot/Image"),
        (elf(21, ">"), "a kernel of an architecture that is not supported (ELF machine 21, 64 bits, big-endian)"),
        (elf(22, "<"), "a kernel of an architecture that is not supported (ELF machine 22, 64 bits, little-endian)"),
        (elf(243, bits=32), "a kernel of an architecture that is not supported (ELF machine 243, 32 bits, little-endian)"),
        (elf(8, ">", 32), "a kernel of an architecture that is not supported (ELF machine 8, 32 bits, big-endian)"),
        (zboot(b"\x89LZO\0", b"lzo"), "a kernel compressed by lzo, which is not supported; give the Image inside it"),
        (s390(b"\x20zIPM"), "the kernel image is truncated; get it again"),
        (gzip.compress(arm64())[:-9], "the kernel image is truncated; get it again"),
        (compressed(arm64(), 3), "a kernel compressed more than 2 times, which is not supported; give the Image inside"),
        (compressed(b"", 1500), "a kernel compressed more than 2 times, which is not supported; give the Image inside"),
    ],
    ids=without_bytes,
)  # fmt: skip
def test_a_file_that_is_no_kernel_says_what_it_is(folder: Path, content: bytes, what: str) -> None:
    assert refused(folder, content) == what


@pytest.mark.parametrize(("name", "why"), [("nothing", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_says_why(folder: Path, name: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        image.read(folder / name)
    assert str(caught.value).startswith(f"{folder / name}: cannot be read as a kernel image: {why}; check the path")


def test_what_unpacks_to_more_than_any_kernel_has_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(image, "_LARGEST", 3_000_000)
    assert read(tmp_path, gzip.compress(arm64(1, (512, 3_000_000 - 512)))).arch == "arm64"
    what = refused(tmp_path, gzip.compress(arm64(1, (512, 3_000_000 - 511))))
    assert what == "no kernel image: it unpacks to more than 3000000 bytes"
    left = [path.suffix for path in (tmp_path / "cache" / "kernels" / "unpacked").iterdir()]
    assert sorted(left) == ["", ".lock", ".lock", ".sha256"]


def test_a_compressed_image_is_unpacked_once_into_the_cache(folder: Path) -> None:
    content = arm64(1, (600, 1000))
    first = read(folder, gzip.compress(content))
    assert first.path.is_relative_to(folder / "cache" / "kernels" / "unpacked")
    assert first.path.read_bytes() == content
    inode = first.path.stat().st_ino
    again = read(folder, zboot(gzip.compress(content)))
    assert (again.path, again.path.stat().st_ino) == (first.path, inode)


def test_an_image_that_is_not_compressed_is_taken_where_it_is(folder: Path) -> None:
    assert read(folder, bzimage()).path == folder / "image"


def test_a_compressed_image_that_is_cut_leaves_nothing_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    refused(tmp_path, gzip.compress(arm64())[:-1])
    assert [path.suffix for path in (tmp_path / "cache" / "kernels" / "unpacked").iterdir()] == [".lock"]


def kept(folder: Path) -> set[str]:
    """Return what was unpacked, without the locks."""
    return {path.name for path in (folder / "cache" / "kernels" / "unpacked").glob("*") if path.suffix != ".lock"}


def test_what_is_inside_a_compressed_image_and_is_none_is_told_of_that_image_and_not_kept(folder: Path) -> None:
    (folder / "image").write_bytes(gzip.compress(bytes(100)))
    before = kept(folder)
    with pytest.raises(UsageError) as caught:
        image.read(folder / "image")
    what = "no kernel image, or the beginning of one: it has only 100 bytes"
    assert str(caught.value) == f"{folder / 'image'}: {what}"
    assert kept(folder) == before


def test_a_cache_that_cannot_be_written_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="Not a directory; check it, or set LOCKPROOF_CACHE"):
        read(tmp_path, gzip.compress(arm64()))


def test_a_bzimage_tells_its_version(folder: Path) -> None:
    read(folder, bzimage())
    assert image.linux_version(folder / "image") == "6.12.1-test"
