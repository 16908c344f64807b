# SPDX-License-Identifier: Apache-2.0
"""`lockproof kernel add`: kernels out of packages, images and build trees, by path or address, into the catalogue.

What is a target by its path is unpacked the same way, into a part of the cache that is not listed.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.conformance.files import open_input
from lockproof.runners.guest.initramfs import modules_archive
from lockproof.runners.host import cache
from lockproof.runners.kernels import catalogue, image, kernel
from lockproof.runners.kernels.archives import complaining, open_archive
from lockproof.runners.kernels.catalogue import CachedKernel
from lockproof.runners.kernels.unpack import look, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.runners.host.cache import Say
    from lockproof.runners.kernels.archives import Archive
    from lockproof.runners.kernels.unpack import Seen

__all__ = ["add", "unpacked"]

_NAME = re.compile(r"\w[\w.+~-]*(?:/\w[\w.+~-]*)?")
_ADDRESS = re.compile(r"(?:https?|file)://")
_PATIENCE = 60.0
"""Seconds in which a server must say something."""
_LARGEST_DOWNLOAD = 4 << 30
"""Bytes."""


def unpacked(archive: Archive) -> CachedKernel:
    """Return the kernel of an archive, from the cache where it was unpacked before. Raises UsageError, StoreError."""
    # A tree changes while one works on it, and there is little to unpack.
    name = "" if archive.path.is_dir() else catalogue.unpacked_name(_digest(archive.path))
    if name and (found := catalogue.cached(name)) is not None and found.is_whole:
        return found
    with _workplace() as folder:
        given = _look(archive.path, archive, folder / "image")
        wanted, modules = _kernel_of(given, [], name)
        if not name:
            name = catalogue.unpacked_name(hashlib.sha256(given.written.read_bytes() + modules).hexdigest()[:16])
        return catalogue.store(replace(wanted, name=name), lambda new: _copy(given.written, new), modules=modules)


def add(texts: Sequence[str], name: str | None, say: Say) -> list[CachedKernel]:
    """Put the kernels that paths and addresses mean into the catalogue, and return them as they are there.

    A package without a kernel gives its modules to the kernel of the same release. Raises UsageError, before anything
    is added; TargetError where something cannot be downloaded, StoreError.
    """
    if name is not None and (not _NAME.fullmatch(name) or kernel.is_debian(name) or kernel.mode(name)):
        msg = f"kernel {name!r}: no name for one; write letters, digits and -_.+~ with one / at most, no path of a file"
        raise UsageError(msg)
    with _workplace() as folder:
        given = [_give(text, folder / str(number), say) for number, text in enumerate(texts)]
        kernels = [each for each in given if each.seen is None or each.seen.best]
        others = [each for each in given if each not in kernels]
        for other in others:
            _check_used(other, kernels)
        if name is not None and len(kernels) > 1:
            msg = f"--name {name}: for one kernel, and these are {len(kernels)}; leave it out, or add them one by one"
            raise UsageError(msg)
        made = [(each, *_kernel_of(each, others, name or "")) for each in kernels]
        return [
            catalogue.store(wanted, partial(_copy, each.written), say, modules=modules)
            for each, wanted, modules in made
        ]


@dataclass(frozen=True, slots=True)
class _Given:
    """What a path or an address means."""

    path: Path
    seen: Seen | None
    """None: an image alone."""
    written: Path
    """The image, where there is one."""


def _give(text: str, written: Path, say: Say) -> _Given:
    path = Path(text)
    if _ADDRESS.match(text):
        path = written.with_name(f"{written.name}-{Path(urllib.parse.urlsplit(text).path).name}")
        _download(text, path, say)
    elif not kernel.mode(text):
        msg = f"{text}: no such file; give a package, an image or a build tree by its path or address"
        raise UsageError(msg)
    say(f"reading {text}")
    archive = open_archive(path)
    return _Given(path, None, path) if archive is None else _look(path, archive, written)


def _look(path: Path, archive: Archive, written: Path) -> _Given:
    return _Given(path, look(archive, written), written)


def _check_used(other: _Given, kernels: list[_Given]) -> None:
    releases = [each.seen.release for each in kernels if each.seen]
    there = list(other.seen.modules) if other.seen else []
    if not any(release in there for release in releases):
        modules = f"only modules of {', '.join(there)}; give the package with its kernel as well" if any(there) else ""
        msg = f"{other.path}: has no kernel{f', {modules}' if modules else '; give a package that has one in /boot'}"
        raise UsageError(msg)


def _kernel_of(given: _Given, others: list[_Given], name: str) -> tuple[CachedKernel, bytes]:
    """Return a kernel as it is to be entered, and the archive of its modules. Raises UsageError."""
    if given.seen is None:
        seen = image.read(given.path)
        release, arch, vendor, version, modules = image.release(seen.path), seen.arch, "", "", b""
    elif not given.seen.best:
        _check_used(given, [])
        raise AssertionError
    else:
        found = unpack(given.seen, given.written, [other.seen for other in others if other.seen])
        release = found.release or image.release(image.read(given.written).path)
        arch, vendor, version = found.arch, given.seen.archive.vendor, given.seen.archive.version
        modules = modules_archive({module.name: module.content for module in found.modules})
    digest = f", {_digest(given.path)}" if given.path.is_file() else ""
    plain = name or f"{f'{vendor}/' if vendor else ''}{release or given.path.stem}"
    wanted = CachedKernel(
        name=plain if name.startswith("unpacked:") else kernel.full_name(plain, arch),
        arch=arch,
        version=version or release or "unknown",
        vendor=vendor if version else "",
        origin=f"added from {given.path.resolve().name}{digest}",
    )
    return wanted, modules


@contextmanager
def _workplace() -> Iterator[Path]:
    """Yield a folder in the cache that is gone afterwards, whatever comes."""
    top = cache.directory() / "kernels"
    with cache.reporting(top):
        top.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=top, prefix=".unpacking-") as folder:
            yield Path(folder)


def _digest(path: Path) -> str:
    with complaining(path), open_input(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _copy(written: Path, new: Path) -> None:
    shutil.copyfile(written, new)


def _download(address: str, new: Path, say: Say) -> None:
    say(f"fetching {address}")
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as answer, new.open("wb") as file:  # noqa: S310
            size = 0
            while block := answer.read(1 << 20):
                size += file.write(block)
                if size > _LARGEST_DOWNLOAD:
                    msg = f"{address}: more than {_LARGEST_DOWNLOAD} bytes; give a package by its path"
                    raise UsageError(msg)
            length = answer.headers.get("Content-Length")
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        msg = f"{address}: cannot be fetched: {reason}; check the address"
        raise TargetError(msg) from error
    if length is not None and int(length) != size:
        msg = f"{address}: cannot be fetched: it ended after {size} of {length} bytes; try again"
        raise TargetError(msg)
