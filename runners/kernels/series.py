# SPDX-License-Identifier: Apache-2.0
"""The series of patches with which memory locks are all or nothing (native/kernel/patches), by version of Linux."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["patches", "versions"]

_VERSION = re.compile(r"\d+\.\d+")


def versions() -> list[str]:
    """Return the versions of Linux that have a series, such as 7.2, the oldest first."""
    names = (each.name for each in _folder().iterdir() if _VERSION.fullmatch(each.name))
    return sorted(names, key=lambda name: [int(part) for part in name.split(".")])


def patches(source: str) -> list[tuple[str, bytes]]:
    """Return name and text of the patches for sources, in their order. Raises UsageError where there are none.

    `source`: what they are, with their version in its name: debian/7.2, /tmp/linux-7.2.13 or linux-7.2.13.tar.xz.
    """
    found = _VERSION.search(Path(source).resolve().name)
    if found is None or found[0] not in versions():
        there = ", ".join(f"debian/{version}" for version in versions())
        what = f"for Linux {found[0]}" if found else "where the name tells no version"
        msg = f"{source}: --posixmlock has no patches {what}; it has those for {there}"
        raise UsageError(msg)
    texts = [each for each in (_folder() / found[0]).iterdir() if each.name.endswith(".patch")]
    return [(each.name, each.read_bytes()) for each in sorted(texts, key=lambda each: each.name)]


def _folder() -> Traversable:
    return files("lockproof") / "native" / "kernel" / "patches"
