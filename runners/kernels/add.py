# SPDX-License-Identifier: Apache-2.0
"""`lockproof kernel add`: kernels out of packages, images and build trees, by path or address, into the catalogue."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners.kernels import catalogue, kernel
from lockproof.runners.kernels.archives import open_archive
from lockproof.runners.kernels.packaged import Given, check_used, copy, kernel_of, look_into, workplace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockproof.runners.host.cache import Say
    from lockproof.runners.kernels.catalogue import CachedKernel

__all__ = ["add"]

_NAME = re.compile(r"\w[\w.+~-]*(?:/\w[\w.+~-]*)?")
_ADDRESS = re.compile(r"(?:https?|file)://")
_PATIENCE = 60.0
"""Seconds in which a server must say something."""
_LARGEST_DOWNLOAD = 4 << 30
"""Bytes."""


def add(texts: Sequence[str], name: str | None, say: Say) -> list[CachedKernel]:
    """Put the kernels that paths and addresses mean into the catalogue, and return them as they are there.

    A package without a kernel gives its modules to the kernel of the same release. Raises UsageError, before anything
    is added; TargetError where something cannot be downloaded, StoreError.
    """
    if name is not None and (not _NAME.fullmatch(name) or kernel.is_debian(name) or kernel.mode(name)):
        msg = f"kernel {name!r}: no name for one; write letters, digits and -_.+~ with one / at most, no path of a file"
        raise UsageError(msg)
    with workplace() as folder:
        given = [_give(text, folder / str(number), say) for number, text in enumerate(texts)]
        kernels = [each for each in given if each.seen is None or each.seen.best]
        others = [each for each in given if each not in kernels]
        for other in others:
            check_used(other, kernels)
        if name is not None and len(kernels) > 1:
            msg = f"--name {name}: for one kernel, and these are {len(kernels)}; leave it out, or add them one by one"
            raise UsageError(msg)
        made = [(each, *kernel_of(each, others, name or "")) for each in kernels]
        return [
            catalogue.store(_named(wanted), partial(copy, each.written), say, modules=modules)
            for each, wanted, modules in made
        ]


def _named(wanted: CachedKernel) -> CachedKernel:
    return replace(wanted, name=kernel.full_name(wanted.name, wanted.arch))


def _give(text: str, written: Path, say: Say) -> Given:
    path = Path(text)
    if _ADDRESS.match(text):
        path = written.with_name(f"{written.name}-{Path(urllib.parse.urlsplit(text).path).name}")
        _download(text, path, say)
    elif not kernel.mode(text):
        msg = f"{text}: no such file; give a package, an image or a build tree by its path or address"
        raise UsageError(msg)
    say(f"reading {text}")
    archive = open_archive(path)
    return Given(path, None, path) if archive is None else look_into(path, archive, written)


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
