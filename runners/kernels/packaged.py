# SPDX-License-Identifier: Apache-2.0
"""What becomes of a package: an image, the archive of its modules, and an entry of the catalogue."""

from __future__ import annotations

import hashlib
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import open_input
from lockproof.runners.host import cache
from lockproof.runners.host.cpio import Entry, cpio
from lockproof.runners.kernels import catalogue, image
from lockproof.runners.kernels.archives import complaining
from lockproof.runners.kernels.catalogue import CachedKernel
from lockproof.runners.kernels.unpack import look, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.runners.kernels.archives import Archive
    from lockproof.runners.kernels.unpack import Module, Seen

__all__ = ["Given", "check_used", "copy", "kernel_of", "look_into", "unpacked", "workplace"]


def unpacked(archive: Archive) -> CachedKernel:
    """Return the kernel of an archive, from the cache where it was unpacked before. Raises UsageError, StoreError."""
    # A tree changes while one works on it, and there is little to unpack.
    name = "" if archive.path.is_dir() else catalogue.unpacked_name(_digest(archive.path))
    if name and (found := catalogue.cached(name)) is not None and found.is_whole:
        return found
    with workplace() as folder:
        given = look_into(archive.path, archive, folder / "image")
        wanted, modules = kernel_of(given, [], name)
        if not name:
            name = catalogue.unpacked_name(hashlib.sha256(given.written.read_bytes() + modules).hexdigest()[:16])
        return catalogue.store(replace(wanted, name=name), lambda new: copy(given.written, new), modules=modules)


@dataclass(frozen=True, slots=True)
class Given:
    """What a path or an address means."""

    path: Path
    seen: Seen | None
    """None: an image alone."""
    written: Path
    """The image, where there is one."""


def look_into(path: Path, archive: Archive, written: Path) -> Given:
    """Read an archive, and write the image in it to a new file. Raises UsageError."""
    return Given(path, look(archive, written), written)


def check_used(other: Given, kernels: list[Given]) -> None:
    """Raise UsageError where an archive has neither a kernel nor modules of one of the kernels."""
    releases = [each.seen.release for each in kernels if each.seen]
    there = list(other.seen.modules) if other.seen else []
    if not any(release in there for release in releases):
        modules = f"only modules of {', '.join(there)}; give the package with its kernel as well" if any(there) else ""
        msg = f"{other.path}: has no kernel{f', {modules}' if modules else '; give a package that has one in /boot'}"
        raise UsageError(msg)


def kernel_of(given: Given, others: list[Given], name: str) -> tuple[CachedKernel, bytes]:
    """Return a kernel as it is to be entered, and the archive of its modules. Raises UsageError."""
    if given.seen is None:
        seen = image.read(given.path)
        release, arch, vendor, version, modules = image.release(seen.path), seen.arch, "", "", b""
    else:
        if not given.seen.best:
            check_used(given, [])
        found = unpack(given.seen, given.written, [other.seen for other in others if other.seen])
        release = found.release or image.release(image.read(given.written).path)
        arch, vendor, version = found.arch, given.seen.archive.vendor, given.seen.archive.version
        modules = _modules_archive(found.modules)
    digest = f", {_digest(given.path)}" if given.path.is_file() else ""
    plain = name or f"{f'{vendor}/' if vendor else ''}{release or given.path.stem}"
    wanted = CachedKernel(
        name=plain,
        arch=arch,
        version=version or release or "unknown",
        vendor=vendor if version else "",
        origin=f"added from {given.path.resolve().name}{digest}",
    )
    return wanted, modules


def _modules_archive(modules: Sequence[Module]) -> bytes:
    """Return the bytes of an archive with modules, which the probe loads in their order; empty: there are none."""
    if not modules:
        return b""
    order = "".join(f"{module.name}\n" for module in modules).encode()
    files = {"order": order} | {f"{module.name}.ko": module.content for module in modules}
    entries = [Entry(f"modules/{name}", stat.S_IFREG | 0o644, content) for name, content in files.items()]
    return cpio([Entry("modules", stat.S_IFDIR | 0o755), *entries, Entry("TRAILER!!!", 0)])


@contextmanager
def workplace() -> Iterator[Path]:
    """Yield a folder in the cache that is gone afterwards, whatever comes."""
    top = cache.directory() / "kernels"
    with cache.reporting(top):
        top.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=top, prefix=".unpacking-") as folder:
            yield Path(folder)


def _digest(path: Path) -> str:
    with complaining(path), open_input(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def copy(written: Path, new: Path) -> None:
    """Copy an image."""
    shutil.copyfile(written, new)
