# SPDX-License-Identifier: Apache-2.0
"""A target as another machine is told of it: its name, what is known of it, and the digests of the files it needs.

Most targets are their name: the other machine makes them by its own means. A runner whose targets need files of this
machine has two functions more than `Runner`: `pack` says which, `unpack` makes the target where they have come to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockproof.conformance.errors import StoreError
from lockproof.runners.host import cache
from lockproof.runners.target import Target, make_target, runner_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Packed", "Parcel", "keep", "pack", "pack_target", "unpack_target"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What another machine is told of a target."""

    name: str
    """The TARGET text that names it."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each file that it needs, by what it is to it."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What its runner has to know besides."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A target that runs on other machines, and where its files are on this one."""

    parcel: Parcel
    paths: Mapping[str, Path] = field(default_factory=dict)
    """By their SHA-256."""

    @property
    def name(self) -> str:
        """The TARGET text that names it."""
        return self.parcel.name


def pack_target(text: str) -> Packed:
    """Pack the target that a TARGET text names. Raises UsageError where there is none, TargetError, StoreError."""
    runner, argument = runner_of(text)
    packing = getattr(runner, "pack", None)
    made: Packed = packing(argument) if packing else Packed(Parcel(text))
    return made


def pack(name: str, files: Mapping[str, Path], facts: Mapping[str, str]) -> Packed:
    """Pack a target with its files, by what they are to it. Raises StoreError."""
    digests = {}
    for what, path in files.items():
        with cache.reporting(path):
            digests[what] = cache.digest_of(path)
    return Packed(Parcel(name, digests, facts), {digests[what]: path for what, path in files.items()})


def unpack_target(parcel: Parcel) -> Target:
    """Make the target of a parcel on this machine. Raises UsageError where something that it takes is missing here.

    Its files need not have come yet: they are used when a session begins.
    """
    runner, _ = runner_of(parcel.name)
    unpacking = getattr(runner, "unpack", None)
    if unpacking is None:
        return make_target(parcel.name)
    target: Target = unpacking(parcel, {what: _path(digest) for what, digest in parcel.files.items()})
    return target


def keep(digest: str, content: bytes) -> None:
    """Keep a file that has come, unless it is here and whole. Raises StoreError, also where it has another digest."""
    path = _path(digest)

    def write(new: Path) -> None:
        if (found := hashlib.sha256(content).hexdigest()) != digest:
            msg = f"what was sent as {digest} has the digest {found}; start again"
            raise StoreError(msg)
        new.write_bytes(content)

    if cache.digest(cache.once(path, write)) != digest:
        cache.keep(path, write)


def _path(digest: str) -> Path:
    return cache.directory() / "sent" / digest
