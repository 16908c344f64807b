# SPDX-License-Identifier: Apache-2.0
"""Debian's packages with kernels and with their sources: what the lists of its suites name.

Of a list only these are kept, for a day, and shown at any later time without the network.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from lockproof.conformance.errors import TargetError
from lockproof.conformance.files import read_input
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.host import cache, processes
from lockproof.runners.kernels.apt import Root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lockproof.runners.architectures import Architecture

__all__ = ["Package", "fetched", "fresh", "lists"]

_SIZE = re.compile(r"[0-9]{1,15}")
_FRESH, _JUST_NOW = 24 * 3600, 60
"""Seconds for which lists of packages are taken as they are, and where new ones are asked for."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package with a kernel image, or with a kernel's sources."""

    name: str
    version: str
    suite: str
    flavour: str
    """Empty: sources."""
    size: int
    """Bytes of the package."""

    def __str__(self) -> str:
        """Name it with the suite that it comes from."""
        return f"{self.name} {self.version} ({self.suite})"

    @property
    def base(self) -> str:
        """The version of the kernel, as its name in the catalogue has it: 6.12."""
        return ".".join(self.upstream.split(".")[:2])

    @property
    def upstream(self) -> str:
        """The version without Debian's revision."""
        return self.version.partition("-")[0]


_PACKAGES = TypeAdapter(list[Package])


def fetched(suite: str, architecture: Architecture) -> list[Package]:
    """Return the packages that a suite had when its list was fetched; none where it never was. Raises StoreError."""
    return _stored(Root(suite, architecture.debian)) or []


def fresh(suite: str, architecture: Architecture) -> bool:
    """Tell whether the list of a suite is of the last day, so that nothing is asked for it. Raises StoreError."""
    return _age(Root(suite, architecture.debian)) < _FRESH


def lists(
    suites: Iterable[str], architecture: Architecture, trouble: dict[str, list[str]], *, again: bool = False
) -> list[list[Package]]:
    """Return the packages of suites, asked for at the same time; those that cannot be had go to `trouble` by reason.

    `again`: also those of which the list is fresh, unless it is of this minute. Raises UsageError where this machine
    has no mirror, StoreError.
    """

    def ask(suite: str) -> list[Package] | TargetError:
        root = Root(suite, architecture.debian)
        with cache.locked(root.path):
            stored = _stored(root) if _age(root) < (_JUST_NOW if again else _FRESH) else None
            try:
                return _refresh(root) if stored is None else stored
            except TargetError as error:
                return error

    with ThreadPoolExecutor(4) as threads:
        try:
            answers = dict(zip(suites, threads.map(ask, suites), strict=True))
        except BaseException:
            processes.end_all()  # that the threads wait for
            raise
    for suite, answer in answers.items():
        if isinstance(answer, TargetError):
            trouble.setdefault(str(answer), []).append(suite)
    return [answer for answer in answers.values() if not isinstance(answer, TargetError)]


def _summary(root: Root) -> Path:
    """Return the file of the packages that concern us; its time is that of the list."""
    return root.path / "kernels.json"


def _age(root: Root) -> float:
    with cache.reporting(_summary(root)):
        try:
            return time.time() - _summary(root).stat().st_mtime
        except FileNotFoundError:
            return float("inf")


def _stored(root: Root) -> list[Package] | None:
    """Return the packages of the list that is there; None: there is none, or not one that this lockproof can read."""
    with cache.reporting(_summary(root)):
        try:
            return _PACKAGES.validate_json(read_input(_summary(root)))
        except (FileNotFoundError, ValidationError):
            return None


def _refresh(root: Root) -> list[Package]:
    packages = list(_parse(root.update(), root))
    cache.replace(_summary(root), lambda new: _write(new, _PACKAGES.dump_json(packages)))
    return packages


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _parse(index: str, root: Root) -> Iterator[Package]:
    flavours = [
        flavour
        for architecture in ARCHITECTURES.values()
        if architecture.debian == root.architecture
        for flavour in architecture.flavours
    ]
    release, flavour = r"\d[\w.+~]*(?:-\d+)?", "|".join(map(re.escape, flavours))
    kernel_name = re.compile(rf"linux-(?:image|binary)-(?:unsigned-)?{release}-({flavour})(?:-unsigned)?")
    source_name = re.compile(r"linux-source-\d+\.\d+()")
    for stanza in re.findall(
        r"^Package: linux-(?:image|binary|source)-.*?(?:\n\n|\Z)", index, re.DOTALL | re.MULTILINE
    ):
        fields = dict(re.findall(r"^(\S+): (.*)$", stanza, re.MULTILINE))
        name, version, size = (fields.get(field, "") for field in ("Package", "Version", "Size"))
        match = kernel_name.fullmatch(name) or source_name.fullmatch(name)
        if match and version and _SIZE.fullmatch(size):
            yield Package(name, version, root.suite, match[1], int(size))
