# SPDX-License-Identifier: Apache-2.0
"""`lockproof kernel`: fetch, build, add, list and remove the kernels that qemu:KERNEL boots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.columns import aligned
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.watching import watching
from lockproof.conformance.errors import LockproofError, UsageError, suggest
from lockproof.runners.kernels import add as adding
from lockproof.runners.kernels import build as building
from lockproof.runners.kernels import catalogue, debian, kernel, series
from lockproof.runners.kernels.build import BuildRequest

if TYPE_CHECKING:
    from rich.console import Console

    from lockproof.runners.kernels.catalogue import CachedKernel

__all__ = [
    "AddRequest",
    "BuildRequest",
    "FetchRequest",
    "ListRequest",
    "RemoveRequest",
    "add",
    "build",
    "entry",
    "fetch",
    "remove",
    "table",
]


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What the user asked for."""

    names: tuple[str, ...]
    """Each debian/VERSION, debian/FIRST..LAST or debian/all, with or without @ARCH."""
    again: bool = False
    """Also those that are here, and by lists of this minute."""


@dataclass(frozen=True, slots=True)
class AddRequest:
    """What the user asked for."""

    sources: tuple[str, ...]
    """Paths and addresses of packages, images and build trees."""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveRequest:
    """What the user asked for."""

    names: tuple[str, ...]
    """Each as `lockproof kernel list` shows it, with or without qemu:."""


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What the user asked for."""

    offline: bool = False
    """Whether the mirror is not to be asked what it has."""


def table(request: ListRequest, progress: Console) -> Printed:
    """List the kernels that are here, and those that Debian offers. Raises StoreError.

    Lists of its packages that are missing or old are asked for; where they cannot be had, the remark says why.
    """
    there = catalogue.known()
    rows = [(f"qemu:{each.name}", each.version, _megabytes(each.size), each.origin) for each in there]
    lines = aligned(rows) or ["No kernel is here yet; lockproof kernel fetch debian/6.12 fetches one."]
    names = {each.name for each in there}
    remark = "" if request.offline else _ask(progress)
    more = [
        (name, package.version, _megabytes(package.size), f"{package.name} ({package.suite})")
        for name, package in debian.offered()
        if name not in names
    ]
    if more:
        lines += ["", "lockproof kernel fetch NAME fetches (size of the package):", *aligned(more)]
    patched = ", ".join(f"debian/{version}" for version in series.versions())
    lines += ["", f"lockproof kernel build NAME --posixmlock patches it to lock all or nothing: {patched}"]
    others = ", ".join(f"@{name}" for name in debian.other_architectures())
    lines += ["", f"For another architecture, add to a name: {others}"]
    return Printed("\n".join(lines), remark=remark)


def _ask(progress: Console) -> str:
    """Ask for the lists of the default architecture, where they are not of today; what was not to be had."""
    try:
        with watching(progress) as watcher:
            return "\n".join(debian.ask(watcher.say))
    except LockproofError as error:
        return str(error)


def remove(request: RemoveRequest) -> Printed:
    """Remove kernels. Raises UsageError where one is not here, before any is removed; StoreError."""
    wanted = [kernel.catalogued(name.removeprefix("qemu:")) for name in request.names]
    there = [each.name for each in catalogue.known()]
    for name in wanted:
        if name not in there:
            hint = suggest(name, there) if there else "none is"
            msg = f"kernel {name!r}: not here; {hint} (lockproof kernel list shows them)"
            raise UsageError(msg)
    for name in wanted:
        catalogue.remove(name)
    return Printed("\n".join(f"removed {name}" for name in wanted))


def fetch(request: FetchRequest, progress: Console) -> Printed:
    """Fetch kernels; beside those that are there now, what cannot be had is a remark.

    Raises UsageError, TargetError and StoreError where none can.
    """
    lines: list[str] = []
    with watching(progress) as watcher:
        try:
            names = list(dict.fromkeys(name for text in request.names for name in debian.chosen(text, watcher.say)))
            for made in debian.fetch_all(names, watcher.say, again=request.again):
                lines += [entry(made)]
                if len(names) > 1:
                    watcher.say(f"{len(lines)} of {len(names)}: {made.name}")
        except LockproofError as error:
            if not lines:
                raise
            return Printed("\n".join(lines), error.exit_code, f"{error}")
    return Printed("\n".join(lines))


def build(request: BuildRequest, progress: Console) -> Printed:
    """Build a kernel, or take it from the cache. Raises UsageError, TargetError, StoreError."""
    with watching(progress) as watcher:
        made = building.build(request, watcher)
    return Printed(entry(made))


def add(request: AddRequest, progress: Console) -> Printed:
    """Take kernels out of packages. Raises UsageError, TargetError, StoreError."""
    with watching(progress) as watcher:
        made = adding.add(request.sources, request.name, watcher.say)
    return Printed("\n".join(map(entry, made)))


def entry(made: CachedKernel) -> str:
    """Return the line about a kernel that is there now."""
    return f"qemu:{made.name}  {made.version}, {_megabytes(made.size)}; {made.origin}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
